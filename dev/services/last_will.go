package services

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

var (
	wills   []*os.File // held open for as long as we live
	willsMu sync.Mutex
)

// WhenWeEnd has a shell run the script once this program has ended, however it
// ends. The arguments are the script's $1, $2, ….
func WhenWeEnd(script string, args ...string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("leave a last will: %w", err)
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", "cat >/dev/null\n" + script, "sh"}, args...)...)
	cmd.Stdin, cmd.Dir = r, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return fmt.Errorf("leave a last will: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	willsMu.Lock()
	wills = append(wills, w)
	willsMu.Unlock()
	return nil
}
