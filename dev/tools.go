package main

import (
	"context"
	"slices"

	"satchel/dev/stack"
	"satchel/dev/tools"
)

// toolsCommand installs what the stack needs, and with flags what tests and lint need.
type toolsCommand struct {
	Test bool `help:"Also what the tests need."`
	Lint bool `help:"Also what make lint needs."`
}

// Run runs `dev tools`.
func (t toolsCommand) Run(ctx context.Context) error {
	list, programs := slices.Clone(tools.Stack), []tools.Program{tools.Postgres}
	if t.Test {
		programs = append(programs, tools.Compiler, tools.Pooler, tools.Chromium, tools.Node)
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
