package tools

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Tool is a program built from the module proxy at a pinned version.
type Tool struct {
	Name    string
	Package string
	Version string
	Minutes string // duration of the build on two cores, in words
	OrPath  bool   // an installed one on PATH is used
}

var (
	// Stack is what a running stack needs.
	Stack = []Tool{
		{"versitygw", "github.com/versity/versitygw/cmd/versitygw", "v1.8.0", "two to three minutes", false},
		{"temporal", "github.com/temporalio/cli/cmd/temporal", "v1.5.1", "three to five minutes", true},
	}
	// Lint is what `make lint` needs.
	Lint = []Tool{
		{"golangci-lint", "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "v2.15.0", "two minutes", false},
		{"workflowcheck", "go.temporal.io/sdk/contrib/tools/workflowcheck", "v0.6.0", "a few seconds", false},
	}
)

// Say reports progress, in sentences.
type Say func(format string, args ...any)

// Install builds the tools that are missing in bin.
func Install(ctx context.Context, bin string, tools []Tool, say Say) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	for _, tool := range tools {
		if tool.in(bin) || tool.OrPath && onPath(tool.Name) {
			continue
		}
		say("Building %s %s into %s, once. It takes %s.", tool.Name, tool.Version, bin, tool.Minutes)
		began := time.Now()
		if err := tool.build(ctx, bin, say); err != nil {
			return err
		}
		say("Built %s in %s.", tool.Name, time.Since(began).Round(time.Second))
	}
	return nil
}

// in reports whether bin has the tool in its pinned version.
func (t Tool) in(bin string) bool {
	info, err := buildinfo.ReadFile(filepath.Join(bin, t.Name))
	return err == nil && info.Path == t.Package && info.Main.Version == t.Version
}

func (t Tool) build(ctx context.Context, bin string, say Say) error {
	cmd := exec.CommandContext(ctx, "go", "install", t.Package+"@"+t.Version)
	cmd.Env = append(os.Environ(), "GOBIN="+bin)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	done := reportProgress(t.Name, say)
	err := cmd.Run()
	done()
	if err != nil {
		return fmt.Errorf("build %s with `go install %s@%s`: %w\n%s", t.Name, t.Package, t.Version, err, lastLines(output.String(), 12))
	}
	return nil
}

// reportProgress reports every half minute that the build goes on, until done.
func reportProgress(name string, say Say) (done func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	began, tick := time.Now(), time.NewTicker(30*time.Second)
	go func() {
		defer close(stopped)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				say("  still at %s, %s so far", name, time.Since(began).Round(time.Second))
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

func onPath(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}
