package tools

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var kettle = Tool{Name: "kettle", Package: "example.com/kettle/cmd/kettle", Version: "v1.2.3", Minutes: "a minute"}

func TestAFailedBuildIsReportedWithItsOutput(t *testing.T) {
	script(t, "go", `echo "$GOBIN $*"; echo "no such host" >&2; exit 1`)
	bin := t.TempDir()
	var messages []string
	err := Install(t.Context(), bin, []Tool{kettle}, record(&messages))
	require.EqualError(t, err, "build kettle with `go install example.com/kettle/cmd/kettle@v1.2.3`: exit status 1\n  "+
		bin+" install example.com/kettle/cmd/kettle@v1.2.3\n  no such host")
	require.Equal(t, []string{"Building kettle v1.2.3 into " + bin + ", once. It takes a minute."}, messages)
}

func TestAToolOfAnotherVersionIsBuiltAgain(t *testing.T) {
	script(t, "go", `exit 0`)
	bin := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "kettle")), "a Go program, but another one")
	var messages []string
	require.NoError(t, Install(t.Context(), bin, []Tool{kettle}, record(&messages)))
	require.Len(t, messages, 2)
	require.Contains(t, messages[1], "Built kettle in")
}

func TestAToolOnPathIsUsedWhereAnyVersionDoes(t *testing.T) {
	script(t, "kettle", "exit 0")
	any := kettle
	any.OrPath = true
	var messages []string
	require.NoError(t, Install(t.Context(), t.TempDir(), []Tool{any}, record(&messages)))
	require.Empty(t, messages)
}

func TestTheErrorOfAMissingProgramNamesTheInstallCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	missing := Program{Name: "teapot", Packages: "teapot", Missing: func() bool { return true }}
	err := Provide(t.Context(), record(new([]string)), missing)
	require.ErrorContains(t, err, "this machine has no teapot: install it with `")
	require.ErrorContains(t, err, "teapot`, then run this again")
}

func TestAsRootOnDebianMissingProgramsAreInstalled(t *testing.T) {
	if os.Geteuid() != 0 {
		script(t, "apt-get", "exit 1")
		err := Provide(t.Context(), record(new([]string)), Program{Name: "teapot", Packages: "teapot", Missing: func() bool { return true }})
		require.EqualError(t, err, "this machine has no teapot: install it with `sudo apt-get update && sudo apt-get install -y teapot`, then run this again")
		return
	}
	log := filepath.Join(t.TempDir(), "calls")
	script(t, "apt-get", `echo "$*" >>`+log)
	calls := func() string { text, _ := os.ReadFile(log); return string(text) } // "" before the first call
	var messages []string
	installed := Program{Name: "teapot", Packages: "teapot teapot-dev", Missing: func() bool { return !strings.Contains(calls(), "install") }}
	require.NoError(t, Provide(t.Context(), record(&messages), installed))
	require.Equal(t, "-q update\n-q install -y --no-install-recommends teapot teapot-dev\n", calls())
	require.Equal(t, []string{"This machine has no teapot. Installing Debian's teapot teapot-dev; it takes a minute."}, messages)

	never := Program{Name: "teapot", Packages: "teapot", Missing: func() bool { return true }}
	require.ErrorContains(t, Provide(t.Context(), record(&messages), never), "brought no teapot")
}

// script sets PATH to a directory that has only a shell script of the name.
func script(t *testing.T, name, body string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o700))
	t.Setenv("PATH", dir)
}

func record(messages *[]string) Say {
	return func(format string, args ...any) { *messages = append(*messages, fmt.Sprintf(format, args...)) }
}
