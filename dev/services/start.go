package services

import (
	"os/exec"
	"runtime"
	"sync"
)

// Linux sends Pdeathsig when the thread that started a child dies, not the
// process. So all children are started from one thread, which lives as long as
// the process.
var starterThread = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

func start(cmd *exec.Cmd) error {
	started := make(chan error)
	starterThread() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return err
	}
	return killWithParent(cmd)
}
