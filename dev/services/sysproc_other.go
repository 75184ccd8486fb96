//go:build !linux

package services

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

func sysProcAttr(as identity, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as.credential}
}

func parentDeathSignal(os.Signal) syscall.Signal { return syscall.SIGINT }

// killWithParent starts a shell that interrupts the child when this process
// ends: these systems have no Pdeathsig.
func killWithParent(cmd *exec.Cmd) error {
	if err := RunOnExit("kill -INT " + strconv.Itoa(cmd.Process.Pid)); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("start its exit hook: %w", err)
	}
	return nil
}
