package tools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"satchel/dev/parts"
)

// Postgres makes sure that the machine has Postgres' programs. On Debian and
// its kin it installs them where it may, and elsewhere says the command that does.
func Postgres(ctx context.Context, data string, say Say) error {
	_, err := parts.PostgresBin(data)
	if !errors.Is(err, parts.ErrNoPostgres) {
		return err
	}
	if os.Geteuid() != 0 || !onPath("apt-get") {
		return fmt.Errorf("this machine has no Postgres programs: install them with `%s`, then run this again", byHand())
	}
	say("This machine has no Postgres programs. Installing Debian's package postgresql; it takes a minute.")
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "postgresql"}} {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("install Postgres with `apt-get %s`: %w\n%s", strings.Join(args, " "), err, lastLines(string(said), 12))
		}
	}
	_, err = parts.PostgresBin(data)
	return err
}

func byHand() string {
	switch {
	case runtime.GOOS == "darwin":
		return "brew install postgresql@17"
	case onPath("apt-get"):
		return "sudo apt-get update && sudo apt-get install -y postgresql"
	case onPath("dnf"):
		return "sudo dnf install -y postgresql-server"
	case onPath("apk"):
		return "sudo apk add postgresql"
	default:
		return "your package manager, Postgres 14 or newer"
	}
}

// lastLines is the end of what a program said, indented.
func lastLines(said string, n int) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "  " + strings.Join(lines, "\n  ")
}
