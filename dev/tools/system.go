package tools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"satchel/dev/services"
)

// Program is a program that the machine must provide.
type Program struct {
	Name     string // in messages
	Packages string // on Debian and derivatives
	Missing  func() bool
}

var (
	// Postgres is needed by every stack.
	Postgres = Program{
		Name: "Postgres", Packages: "postgresql", Missing: func() bool {
			_, err := services.PostgresBin("")
			return errors.Is(err, services.ErrNoPostgres)
		},
	}
	// Pooler is what tests connect through that Satchel must refuse.
	Pooler = Program{
		Name: "pgbouncer", Packages: "pgbouncer", Missing: func() bool { _, err := services.PoolerPath(); return err != nil },
	}
	// Node runs the tests of Twilio's client for Node.
	Node = Program{
		Name: "Node with npm", Packages: "nodejs npm", Missing: func() bool { return !onPath("node") || !onPath("npm") },
	}
	// Compiler links the race detector.
	Compiler = Program{
		Name: "C compiler", Packages: "gcc libc6-dev", Missing: func() bool { return !onPath("gcc") && !onPath("clang") && !onPath("cc") },
	}
)

// Provide checks that the machine has the programs. On Debian and derivatives it
// installs missing ones if it may; elsewhere its error says what to install.
func Provide(ctx context.Context, say Say, programs ...Program) error {
	for _, p := range programs {
		if !p.Missing() {
			continue
		}
		if os.Geteuid() != 0 || !onPath("apt-get") {
			return fmt.Errorf("this machine has no %s: install it with `%s`, then run this again", p.Name, p.installCommand())
		}
		say("This machine has no %s. Installing Debian's %s; it takes a minute.", p.Name, p.Packages)
		if err := apt(ctx, p.Packages); err != nil {
			return fmt.Errorf("install %s: %w", p.Name, err)
		}
		if p.Missing() {
			return fmt.Errorf("installing Debian's %s brought no %s: install it by hand, then run this again", p.Packages, p.Name)
		}
	}
	return nil
}

func apt(ctx context.Context, packages string) error {
	install := append([]string{"install", "-y", "--no-install-recommends"}, strings.Fields(packages)...)
	for _, args := range [][]string{{"update"}, install} {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("`apt-get %s`: %w\n%s", strings.Join(args, " "), err, lastLines(string(output), 12))
		}
	}
	return nil
}

// installCommand returns the command that installs it on this machine.
func (p Program) installCommand() string {
	switch {
	case onPath("apt-get"):
		return "sudo apt-get update && sudo apt-get install -y " + p.Packages
	case runtime.GOOS == "darwin" && p.Packages == "postgresql":
		return "brew install postgresql@17"
	case runtime.GOOS == "darwin" && p.Packages == "chromium":
		return "brew install --cask chromium"
	case runtime.GOOS == "darwin" && p.Packages == Node.Packages:
		return "brew install node"
	case runtime.GOOS == "darwin":
		return "xcode-select --install"
	default:
		return "your package manager; Debian calls it " + p.Packages
	}
}

// lastLines returns the last n lines of output, indented.
func lastLines(output string, n int) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "  " + strings.Join(lines, "\n  ")
}
