package services

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

var (
	hookPipes   []*os.File // held open for the life of this process
	hookPipesMu sync.Mutex
)

// RunOnExit has a shell run the script once this process has ended, even if it
// was killed: the shell waits for the end of a pipe from this process. The
// arguments are the script's $1, $2, ….
func RunOnExit(script string, args ...string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start an exit hook: %w", err)
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", "cat >/dev/null\n" + script, "sh"}, args...)...)
	cmd.Stdin, cmd.Dir = r, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return fmt.Errorf("start an exit hook: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	hookPipesMu.Lock()
	hookPipes = append(hookPipes, w)
	hookPipesMu.Unlock()
	return nil
}
