package main

import (
	"context"
	"slices"

	"satchel/dev/stack"
	"satchel/dev/tools"
)

// toolsCommand installs what the stack needs, and on request more.
type toolsCommand struct {
	Test bool `help:"And to run every test."`
	Lint bool `help:"And to lint."`
}

// Run runs `dev tools`.
func (t toolsCommand) Run(ctx context.Context) error {
	list, programs := slices.Clone(tools.Stack), []tools.Program{tools.Postgres}
	if t.Test {
		programs = append(programs, tools.Compiler, tools.Chromium, tools.Node)
	}
	if t.Lint {
		list = append(list, tools.Lint...)
	}
	return install(ctx, list, programs...)
}

// clean removes the data of a stack.
type clean struct {
	Dir string `env:"DEV_DIR" default:".dev" type:"path" help:"Where data, logs and demo.json are kept."`
}

// Run runs `dev clean`.
func (c clean) Run() error { return stack.Clean(c.Dir) }
