package main

import (
	"context"
	"slices"

	"satchel/dev/stack"
	"satchel/dev/tools"
)

// makeReady makes the machine able to run the stack, and more where asked.
type makeReady struct {
	Test bool `help:"And to run every test."`
	Lint bool `help:"And to lint."`
}

// Run is what `dev tools` does.
func (m makeReady) Run(ctx context.Context) error {
	wanted, programs := slices.Clone(tools.Stack), []tools.Program{tools.Postgres}
	if m.Test {
		programs = append(programs, tools.Compiler, tools.Chromium, tools.Node)
	}
	if m.Lint {
		wanted = append(wanted, tools.Lint...)
	}
	return ready(ctx, wanted, programs...)
}

// clean removes what a stack kept.
type clean struct {
	Dir string `env:"DEV_DIR" default:".dev" type:"path" help:"Where data, logs and demo.json are kept."`
}

// Run is what `dev clean` does.
func (c clean) Run() error { return stack.Clean(c.Dir) }
