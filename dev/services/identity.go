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

// identity is the user that a service runs as; the zero value is the current user.
type identity struct {
	credential *syscall.Credential
	// needsDACOverride is set if that user cannot pass a directory above the
	// service's own.
	needsDACOverride bool
}

// unprivilegedUser returns the user that Postgres runs as with its data in dir,
// and makes dir for that user. It is the current user unless that is root: then
// it is the owner of existing data, or else the machine's postgres or nobody.
func unprivilegedUser(dir string) (identity, error) {
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
		if uid, gid, err = systemUser(); err != nil {
			return identity{}, err
		}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			return identity{}, fmt.Errorf("give %s to an unprivileged user: %w", dir, err)
		}
	}
	return identity{
		credential:       &syscall.Credential{Uid: uid, Gid: gid},
		needsDACOverride: !worldSearchable(filepath.Dir(dir)),
	}, nil
}

// writeAs writes a file that only the given user can read.
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
		return 0, 0, fmt.Errorf("find the owner of %s: %w", path, err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("find the owner of %s: the system does not say", path)
	}
	return stat.Uid, stat.Gid, nil
}

// systemUser returns the IDs of the machine's unprivileged user postgres or nobody.
func systemUser() (uid, gid uint32, err error) {
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

// worldSearchable reports whether every user may pass through dir and all
// directories above it.
func worldSearchable(dir string) bool {
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
