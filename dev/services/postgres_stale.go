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

// awaitStalePostmaster waits up to half a minute for an earlier postmaster on the
// same data to end. One that was killed leaves children that exit only after a
// moment; a new postmaster must not start before they do.
func awaitStalePostmaster(ctx context.Context, data string) error {
	timeout := time.After(30 * time.Second)
	for {
		pid, segment := stalePostmaster(data)
		if !isPostgres(pid) && !attached(segment) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		case <-timeout:
			return fmt.Errorf("another Postgres (process %d, or its children) is running on %s: stop it first", pid, data)
		}
	}
}

// stalePostmaster reads from postmaster.pid the process that last used the data
// directory, and the shared memory segment of its children. Either is 0 if
// unknown.
func stalePostmaster(data string) (pid, segment int) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, 0 // it shut down cleanly, or never ran
	}
	lines := strings.Split(string(text), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0])) // 0 if it is no number
	if len(lines) > 6 {
		if key := strings.Fields(lines[6]); len(key) == 2 {
			segment, _ = strconv.Atoi(key[1]) // 0 if it is no number
		}
	}
	return pid, segment
}

// isPostgres reports whether the process exists and is a postgres.
func isPostgres(pid int) bool {
	if pid <= 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	return err != nil || strings.TrimSpace(string(name)) == "postgres" // else the PID was reused by another program
}

// attached reports whether any process is attached to the segment.
func attached(segment int) bool {
	var desc unix.SysvShmDesc
	if segment == 0 {
		return false
	}
	_, err := unix.SysvShmCtl(segment, unix.IPC_STAT, &desc)
	return err == nil && desc.Nattch > 0
}
