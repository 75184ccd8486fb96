//go:build !linux

package services

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

func attributes(as identity, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as.credential}
}

func orphanSignal(os.Signal) syscall.Signal { return syscall.SIGINT }

// guard starts a shell that sits on a pipe from us and interrupts the child
// when the pipe breaks: nothing else here tells a child that its parent died.
func guard(cmd *exec.Cmd) error {
	if err := WhenWeEnd("kill -INT " + strconv.Itoa(cmd.Process.Pid)); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("watch over it: %w", err)
	}
	return nil
}
