package demo

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"satchel/schema"
)

//go:embed fill/*.sql
var fills embed.FS

const (
	batch       = 50_000
	connections = 2 // inserting keeps two cores busy, and a third would wait for the others
)

var tables = map[schema.Category]string{
	"users":               "platform.users",
	"contacts":            "platform.contacts",
	"calls":               "platform.calls",
	"flows":               "platform.flows",
	"phoneNumbers":        "platform.phone_numbers",
	"voipProviders":       "platform.voip_providers",
	"callSchedules":       "platform.call_schedules",
	"campaigns":           "platform.campaigns",
	"charges":             "platform.charges",
	"balanceTransactions": "platform.balance_transactions",
	"notifications":       "platform.notifications",
}

// Fill adds so many rows of each category to an account, all of which an export
// contains. The same fill of a fresh account writes the same rows; filling
// again adds others. It calls progress, if not nil, with a line for people
// after every batch. A fill that fails half way leaves the batches it wrote.
func Fill(ctx context.Context, databaseURL, account string, rows map[schema.Category]int64, progress func(string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	for category := range rows {
		if tables[category] == "" {
			return fmt.Errorf("fill: there are no rows to add to %q", category)
		}
	}
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		return fmt.Errorf("fill: open database: %w", err)
	}
	defer db.Close() //nolint:errcheck // what counts is committed by then
	for _, category := range schema.Categories {
		if rows[category] <= 0 {
			continue
		}
		if err := fillCategory(ctx, db, account, category, rows[category], progress); err != nil {
			return fmt.Errorf("fill %s: %w", category, err)
		}
	}
	return nil
}

func fillCategory(ctx context.Context, db *sql.DB, account string, category schema.Category, rows int64, progress func(string)) error {
	f, err := reserved(ctx, db, account, category, rows)
	if err != nil {
		return err
	}
	batches := make(chan int64)
	group, working := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(batches)
		for first := f.first; first <= f.last; first += batch {
			select {
			case batches <- first:
			case <-working.Done():
				return working.Err()
			}
		}
		return nil
	})
	var done int64
	var mu sync.Mutex
	for range connections {
		group.Go(func() error {
			return f.work(working, db, batches, func(written int64) {
				mu.Lock()
				defer mu.Unlock()
				done += written
				progress(fmt.Sprintf("%s: %d of %d", category.Title(), done, rows))
			})
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "analyze "+tables[category])
	return err
}

// filling is a number of rows to come: first to last as the account counts
// them, with IDs that are theirs alone.
type filling struct {
	statement   string
	account     string
	first, last int64
	offset      int64 // from a row's number to its id
}

// reserved commits a reservation, so that several connections can fill it.
func reserved(ctx context.Context, db *sql.DB, account string, category schema.Category, rows int64) (filling, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return filling{}, err
	}
	defer tx.Rollback() //nolint:errcheck // a no-op once committed
	f, err := reserve(ctx, tx, account, category, rows)
	if err != nil {
		return filling{}, err
	}
	return f, tx.Commit()
}

// reserve takes a run of ids. It keeps other writers out for that moment: the
// sequence would give them ids out of the middle of the run. Numbers begin
// behind the account's highest id, so no row of the account can have one.
func reserve(ctx context.Context, tx *sql.Tx, account string, category schema.Category, rows int64) (filling, error) {
	statement, err := fills.ReadFile("fill/" + string(category) + ".sql")
	if err != nil {
		return filling{}, err
	}
	table := tables[category]
	if _, err := tx.ExecContext(ctx, "lock table "+table+" in share row exclusive mode"); err != nil {
		return filling{}, err
	}
	var highest, firstID int64
	if err := tx.QueryRowContext(ctx, "select coalesce(max(id), 0) from "+table+" where account_sid = $1", account).Scan(&highest); err != nil {
		return filling{}, err
	}
	if err := tx.QueryRowContext(ctx, `
		select setval(sequence::regclass, taken + $2 - 1) - $2 + 1
		from (select sequence, nextval(sequence::regclass) as taken from pg_get_serial_sequence($1, 'id') as sequence offset 0) s`,
		table, rows).Scan(&firstID); err != nil {
		return filling{}, err
	}
	return filling{string(statement), account, highest + 1, highest + rows, firstID - highest - 1}, nil
}

// work inserts batches over one connection until there are no more.
func (f filling) work(ctx context.Context, db *sql.DB, batches <-chan int64, wrote func(int64)) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // back to the pool
	// A merge join would write calls in another order than that of their numbers.
	if _, err := conn.ExecContext(ctx, "set jit = off; set enable_mergejoin = off; set synchronous_commit = off"); err != nil {
		return err
	}
	for first := range batches {
		last := min(first+batch-1, f.last)
		if err := f.insert(ctx, conn, first, last); err != nil {
			return err
		}
		wrote(last - first + 1)
	}
	return nil
}

func (f filling) insert(ctx context.Context, into execer, first, last int64) error {
	_, err := into.ExecContext(ctx, f.statement, f.account, first, last, f.offset)
	return err
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}
