package services

import (
	"os"
	"os/exec"
	"syscall"
)

// capDACOverride lets an unprivileged user pass directories that only root may
// enter, such as /root.
const capDACOverride = 1

// sysProcAttr runs a child as the given user, in a process group of its own so
// that Ctrl-C reaches only the parent. The kernel sends the child the signal
// deathSignal when the parent dies.
func sysProcAttr(as identity, deathSignal syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: deathSignal, Credential: as.credential}
	if as.credential != nil && as.needsDACOverride {
		attr.AmbientCaps = []uintptr{capDACOverride}
	}
	return attr
}

// parentDeathSignal returns SIGKILL, or SIGINT for services that stop by SIGINT.
func parentDeathSignal(stop os.Signal) syscall.Signal {
	if stop == syscall.SIGINT {
		return syscall.SIGINT
	}
	return syscall.SIGKILL
}

// killWithParent has nothing to do: Pdeathsig does it.
func killWithParent(*exec.Cmd) error { return nil }
