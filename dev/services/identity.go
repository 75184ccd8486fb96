package services

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// identity is the user a part runs as; the zero value is ourselves.
type identity struct {
	credential *syscall.Credential
	locked     bool // some directory above the part's own is closed to that user
}

// unprivileged is whom Postgres runs as with its data in dir: ourselves, or
// where we are root, whoever owns the data already, or the machine's postgres
// or nobody. It makes dir for that user.
func unprivileged(dir string) (identity, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return identity{}, fmt.Errorf("make %s: %w", filepath.Dir(dir), err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return identity{}, fmt.Errorf("make %s: %w", dir, err)
	}
	if os.Geteuid() != 0 {
		return identity{}, nil
	}
	uid, gid, err := ownerOf(dir)
	if err != nil {
		return identity{}, err
	}
	if uid == 0 {
		if uid, gid, err = nobody(); err != nil {
			return identity{}, err
		}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			return identity{}, fmt.Errorf("give %s to an unprivileged user: %w", dir, err)
		}
	}
	return identity{
		credential: &syscall.Credential{Uid: uid, Gid: gid},
		locked:     !open(filepath.Dir(dir)),
	}, nil
}

// writeAs writes a file that nobody but the identity can read.
func writeAs(as identity, path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if as.credential == nil {
		return nil
	}
	if err := os.Chown(path, int(as.credential.Uid), int(as.credential.Gid)); err != nil {
		return fmt.Errorf("give %s to an unprivileged user: %w", path, err)
	}
	return nil
}

func ownerOf(path string) (uid, gid uint32, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, fmt.Errorf("see whose %s is: %w", path, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("see whose %s is: the system does not tell", path)
	}
	return stat.Uid, stat.Gid, nil
}

func nobody() (uid, gid uint32, err error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil || uid == 0 {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return uint32(uid), uint32(gid), nil
	}
	return 0, 0, errors.New("Postgres does not run as root, and this machine has neither a user postgres nor a user nobody: make one with `useradd --system postgres`")
}

// open tells whether everybody may pass through dir and all above it.
func open(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}
