package main

import (
	"context"
	"fmt"
	"time"

	"satchel/dev/demo"
	"satchel/dev/stack"
	"satchel/schema"
)

// fill adds rows to an account of the running stack.
type fill struct {
	Rows    map[string]int64 `arg:"" help:"How many rows of which category, such as calls=800000 contacts=5000, or of which type on every day, such as Messages=33000."`
	From    string           `placeholder:"yyyy-mm-dd" help:"First day to fill with records of a type. 45 days ago where not given."`
	To      string           `placeholder:"yyyy-mm-dd" help:"Last day to fill with records of a type. Yesterday where not given."`
	Account string           `placeholder:"AC…" help:"The first demo account where not given."`
	Dir     string           `env:"DEV_DIR" default:".dev" type:"path" help:"Where the running stack keeps its data."`
}

// Run runs `dev fill`.
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
	from, to, err := f.days()
	if err != nil {
		return err
	}
	rows := map[schema.Category]int64{}
	for name, n := range f.Rows {
		if !schema.IsResourceType(name) {
			rows[schema.Category(name)] = n
			continue
		}
		if err := demo.FillDays(ctx, running.DatabaseURL, account, schema.ResourceType(name), from, to, n); err != nil {
			return err
		}
		say("%s: %d on each of %d days", name, n, from.DaysTo(to))
	}
	return demo.Fill(ctx, running.DatabaseURL, account, rows, func(line string) { say("%s", line) })
}

// days returns the range of days that the flags select.
func (f fill) days() (from, to schema.Day, err error) {
	today := schema.DayOf(time.Now())
	from, to = today.Plus(-45), today.Plus(-1)
	for _, d := range []struct {
		flag string
		day  *schema.Day
	}{{f.From, &from}, {f.To, &to}} {
		if d.flag == "" {
			continue
		}
		parsed, ok := schema.ParseDay(d.flag)
		if !ok {
			return "", "", fmt.Errorf("%q is not a day", d.flag)
		}
		*d.day = parsed
	}
	return from, to, nil
}
