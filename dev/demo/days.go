package demo

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
	"golang.org/x/sync/errgroup"

	"satchel/schema"
)

//go:embed fill/days/*.sql
var dayFills embed.FS

// FillDays adds perDay records of a type to an account on each day from from to
// to, inclusive. The same fill of a new account writes the same records; filling
// again adds others. Calls older than 13 months go into the calls archive. A fill
// that fails half way leaves the days that it has written.
func FillDays(ctx context.Context, databaseURL, account string, t schema.ResourceType, from, to schema.Day, perDay int64) error {
	var all []dayCount
	for _, day := range from.To(to) {
		all = append(all, dayCount{day, perDay})
	}
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		return fmt.Errorf("fill %s: open database: %w", t, err)
	}
	defer db.Close() //nolint:errcheck // each statement is committed by then
	atOnce := int(max(1, batch/max(1, perDay)))
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(connections)
	for len(all) > 0 {
		n := min(atOnce, len(all))
		days := all[:n]
		all = all[n:]
		group.Go(func() error { return fillDays(working, db, account, t, days) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("fill %s: %w", t, err)
	}
	for _, table := range dayTables[t] {
		if _, err := db.ExecContext(ctx, "analyze "+table); err != nil {
			return fmt.Errorf("fill %s: %w", t, err)
		}
	}
	return nil
}

var dayTables = map[schema.ResourceType][]string{
	schema.Messages:     {"platform.messages"},
	schema.Calls:        {"platform.calls", "platform.calls_archive"},
	schema.Conferences:  {"platform.conferences"},
	schema.Participants: {"platform.participants"},
}

// dayCount is a number of records on a day.
type dayCount struct {
	day  schema.Day
	rows int64
}

func fillDays(ctx context.Context, db *sql.DB, account string, t schema.ResourceType, days []dayCount) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // returns it to the pool
	if _, err := conn.ExecContext(ctx, "set jit = off; set synchronous_commit = off"); err != nil {
		return err
	}
	return insertDays(ctx, conn, account, t, days)
}

// insertDays inserts the records of these days. Old calls go into the archive.
func insertDays(ctx context.Context, into execer, account string, t schema.ResourceType, days []dayCount) error {
	statement, err := dayFills.ReadFile("fill/days/" + string(t) + ".sql")
	if err != nil {
		return fmt.Errorf("there are no records to add to %q", t)
	}
	archiveCutoff := schema.DayOf(time.Now().AddDate(0, -13, 0))
	write := func(statement string, days []dayCount) error {
		names, rows := make([]string, len(days)), make([]int64, len(days))
		for i, d := range days {
			names[i], rows[i] = string(d.day), d.rows
		}
		_, err := into.ExecContext(ctx, statement, account, pq.Array(names), pq.Array(rows))
		return err
	}
	var old, others []dayCount
	for _, d := range days {
		if t == schema.Calls && d.day < archiveCutoff {
			old = append(old, d)
		} else {
			others = append(others, d)
		}
	}
	if len(old) > 0 {
		if err := write(strings.ReplaceAll(string(statement), "platform.calls ", "platform.calls_archive "), old); err != nil {
			return err
		}
	}
	if len(others) > 0 {
		return write(string(statement), others)
	}
	return nil
}

// insertDayRecords inserts what bulk exports read: records of the last 45 days,
// none on one day in ten, and old calls that are only in the archive.
func (s accountSpec) insertDayRecords(ctx context.Context, tx *sql.Tx, account string) error {
	today := schema.DayOf(time.Now())
	monthsAgo := schema.DayOf(today.Begins().AddDate(0, -14, 0))
	for _, t := range schema.ResourceTypes {
		var days []dayCount
		for _, day := range today.Plus(-45).To(today.Plus(-1)) {
			days = append(days, s.countOn(t, day))
		}
		if t == schema.Calls {
			for _, day := range monthsAgo.Plus(-4).To(monthsAgo) {
				days = append(days, s.countOn(t, day))
			}
		}
		if err := insertDays(ctx, tx, account, t, days); err != nil {
			return fmt.Errorf("add %s: %w", t, err)
		}
	}
	return nil
}

// countOn returns how many records of a type the account has on a day. Each
// conference has three participants, each with a call.
func (s accountSpec) countOn(t schema.ResourceType, day schema.Day) dayCount {
	since := day.Begins().Unix() / (24 * 60 * 60)
	busy := (since*7 + int64(len(s.slug))*3) % 10
	each := map[schema.ResourceType]int64{schema.Messages: 2, schema.Calls: 3, schema.Conferences: 1, schema.Participants: 3}
	return dayCount{day, busy * each[t]}
}
