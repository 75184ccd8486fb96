//go:build unix

package vault

import (
	"io/fs"
	"os"
	"syscall"
)

// isOwnFile reports whether the file belongs to the user of this process, and not to
// root, who owns what orchestrators mount.
func isOwnFile(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid != 0 && int(stat.Uid) == os.Geteuid()
}
