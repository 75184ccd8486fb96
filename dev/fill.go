package main

import (
	"context"
	"fmt"

	"satchel/dev/demo"
	"satchel/dev/stack"
	"satchel/schema"
)

// fill adds rows to an account of the running stack.
type fill struct {
	Rows    map[string]int64 `arg:"" help:"How many rows of which category, such as calls=800000 contacts=5000."`
	Account string           `placeholder:"AC…" help:"The first demo account where not given."`
	Dir     string           `env:"DEV_DIR" default:".dev" type:"path" help:"Where the running stack keeps its data."`
}

// Run is what `dev fill` does.
func (f fill) Run(ctx context.Context) error {
	running, err := stack.ReadDemo(f.Dir)
	if err != nil {
		return err
	}
	account := f.Account
	if account == "" {
		account = running.Accounts[0].AccountSID
	}
	if !schema.IsAccountID(account) {
		return fmt.Errorf("%q is not an account ID", account)
	}
	rows := map[schema.Category]int64{}
	for category, n := range f.Rows {
		rows[schema.Category(category)] = n
	}
	return demo.Fill(ctx, running.DatabaseURL, account, rows, func(line string) { say("%s", line) })
}
