package demo

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"regexp"
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

// insertInto finds the table that a fill statement inserts into.
var insertInto = regexp.MustCompile(`(?m)^insert into (platform\.\w+) \(`)

// Fillable returns the categories that have a fill statement, in archive order.
func Fillable() []schema.Category {
	var fillable []schema.Category
	for _, category := range schema.Categories {
		if _, err := fills.ReadFile(fillFile(category)); err == nil {
			fillable = append(fillable, category)
		}
	}
	return fillable
}

func fillFile(category schema.Category) string { return "fill/" + string(category) + ".sql" }

// fillStatement returns the statement that inserts rows of a category, and the
// table that it inserts into.
func fillStatement(category schema.Category) (statement, table string, err error) {
	text, err := fills.ReadFile(fillFile(category))
	if err != nil {
		return "", "", fmt.Errorf("there are no rows to add to %q", category)
	}
	found := insertInto.FindSubmatch(text)
	if found == nil {
		return "", "", fmt.Errorf("%s inserts into no table of the platform", fillFile(category))
	}
	return string(text), string(found[1]), nil
}

// Fill adds rows of each category to an account, all of which an export contains.
// The same fill of a new account writes the same rows; filling again adds others.
// It calls progress, if not nil, with a line of text after every batch. A fill
// that fails half way leaves the batches that it wrote.
func Fill(ctx context.Context, databaseURL, account string, rows map[schema.Category]int64, progress func(string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	for category := range rows {
		if _, _, err := fillStatement(category); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		return fmt.Errorf("fill: open database: %w", err)
	}
	defer db.Close() //nolint:errcheck // each batch is committed by then
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
	f, err := reserveIDs(ctx, db, account, category, rows)
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
	_, err = db.ExecContext(ctx, "analyze "+f.table)
	return err
}

// filling is a reserved range of rows: first to last are their numbers within the
// account.
type filling struct {
	statement   string
	table       string
	account     string
	first, last int64
	offset      int64 // from a row's number to its id
}

// reserveIDs commits a reservation, so that several connections can fill it.
func reserveIDs(ctx context.Context, db *sql.DB, account string, category schema.Category, rows int64) (filling, error) {
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

// reserve reserves a run of ids. It locks the table against other writers
// meanwhile: the sequence would give them ids from the middle of the run. Numbers
// begin after the account's highest id, so no row of the account has one.
func reserve(ctx context.Context, tx *sql.Tx, account string, category schema.Category, rows int64) (filling, error) {
	statement, table, err := fillStatement(category)
	if err != nil {
		return filling{}, err
	}
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
	return filling{statement, table, account, highest + 1, highest + rows, firstID - highest - 1}, nil
}

// work inserts batches over one connection until the channel is closed.
func (f filling) work(ctx context.Context, db *sql.DB, batches <-chan int64, wrote func(int64)) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // returns it to the pool
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

// insertRows fills a category within the transaction.
func insertRows(ctx context.Context, tx *sql.Tx, account string, category schema.Category, rows int64) error {
	f, err := reserve(ctx, tx, account, category, rows)
	if err != nil {
		return err
	}
	return f.insert(ctx, tx, f.first, f.last)
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}
