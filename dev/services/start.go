package services

import (
	"os/exec"
	"runtime"
	"sync"
)

// Linux tells a child about the death of the thread that started it, not of
// the process. So every child is started from one thread that lives as long as
// the process does.
var starter = sync.OnceValue(func() chan<- func() {
	deeds := make(chan func())
	go func() {
		runtime.LockOSThread()
		for deed := range deeds {
			deed()
		}
	}()
	return deeds
})

func start(cmd *exec.Cmd) error {
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return err
	}
	return guard(cmd)
}
