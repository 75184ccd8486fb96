package testservices

import (
	"os"

	"golang.org/x/sys/unix"

	"satchel/dev/services"
)

const (
	memory     = "/dev/shm" // Linux mounts a file system in memory there
	enoughFree = 4 << 30
)

// tempDir makes a directory that is removed once this process and the Postgres
// in it have ended. It is in memory where there is room: a database is created in a
// fifth of the time there.
func tempDir() (string, error) {
	dir, err := os.MkdirTemp(tempRoot(), "satchel-test-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // lets Postgres' user pass
		return "", err
	}
	return dir, services.RunOnExit(`
		n=0
		while [ -e "$1/postgres/data/postmaster.pid" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done
		rm -rf "$1"`, dir)
}

func tempRoot() string {
	var fs unix.Statfs_t
	if os.Getenv("TMPDIR") == "" && unix.Statfs(memory, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= enoughFree { //nolint:gosec,unconvert // the types differ between systems; a block size is positive
		return memory
	}
	return ""
}
