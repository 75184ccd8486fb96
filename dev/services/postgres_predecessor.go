package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// awaitPredecessor gives a Postgres that is still shutting down on the same
// data half a minute to do so. One that was killed leaves behind children, who
// notice after a moment and must not be joined by others until they do.
func awaitPredecessor(ctx context.Context, data string) error {
	patience := time.After(30 * time.Second)
	for {
		pid, segment := predecessor(data)
		if !runsPostgres(pid) && !attached(segment) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		case <-patience:
			return fmt.Errorf("another Postgres (process %d, or its children) is running on %s: stop it first", pid, data)
		}
	}
}

// predecessor reads who held the data directory last: the process, and the
// segment of shared memory its children were attached to. Either is 0 where
// nothing is known.
func predecessor(data string) (pid, segment int) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, 0 // it shut down as it should, or never was
	}
	lines := strings.Split(string(text), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0])) // 0 where it is no number
	if len(lines) > 6 {
		if key := strings.Fields(lines[6]); len(key) == 2 {
			segment, _ = strconv.Atoi(key[1]) // likewise
		}
	}
	return pid, segment
}

func runsPostgres(pid int) bool {
	if pid <= 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	return err != nil || strings.TrimSpace(string(name)) == "postgres" // else the number has been given to another program
}

func attached(segment int) bool {
	var about unix.SysvShmDesc
	if segment == 0 {
		return false
	}
	_, err := unix.SysvShmCtl(segment, unix.IPC_STAT, &about)
	return err == nil && about.Nattch > 0
}
