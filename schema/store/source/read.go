package source

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lib/pq"
)

// Read opens a snapshot of the account's rows whose key is greater than after, or
// of all rows if after is "", calls do with it and returns do's error. do may stop at
// any row. When ctx ends, the query is cancelled on the server too, and the
// snapshot's methods return the context's error.
//
// The rows stream from one plain select. A cursor would ask the server for each
// page and wait for it, which takes a third longer. Its advantage, that no time
// limit ends it while the reader is slow, is covered by the transaction's own
// settings.
func (db *DB) Read(ctx context.Context, query, account, after string, do func(*Snapshot) error) error {
	return db.read(ctx, query, []any{account}, after, nil, do)
}

// ReadRows is Read for all rows of a query that takes these arguments: strings,
// times and slices of strings. If the query's first column is _at, rows come in
// the order of _at, and of _key among those of the same instant.
func (db *DB) ReadRows(ctx context.Context, query string, args []any, do func(*Snapshot) error) error {
	return db.readRows(ctx, query, args, nil, do)
}

// readRows is ReadRows if before, which is called ahead of the snapshot on its
// connection, returns no error.
func (db *DB) readRows(ctx context.Context, query string, args []any, before, do func(*Snapshot) error) error {
	values := make([]any, len(args))
	for i, arg := range args {
		list, isList := arg.([]string)
		if !isList {
			values[i] = arg
			continue
		}
		text, err := append(pq.StringArray{}, list...).Value() // an empty array, never null: "<> all (null)" is true for no row
		if err != nil {
			return fmt.Errorf("read source: %w", err)
		}
		values[i] = text
	}
	return db.read(ctx, query, values, "", before, do)
}

func (db *DB) read(ctx context.Context, query string, args []any, after string, before, do func(*Snapshot) error) error {
	plan, err := db.plan(ctx, query, len(args))
	if err != nil {
		return err
	}
	for range db.maxConns + 1 { // after a restart of the server every idle connection in the pool is dead
		var retry bool
		if retry, err = db.withSnapshot(ctx, plan, args, after, before, do); !retry {
			break
		}
	}
	if errors.Is(err, errTypesChanged) {
		db.plans.Delete(query)
	}
	return err
}

// withSnapshot calls do with a snapshot on a connection of its own. retry
// reports that the connection was dead before do was called.
func (db *DB) withSnapshot(ctx context.Context, plan *queryPlan, args []any, after string, before, do func(*Snapshot) error) (retry bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := watchStall(ctx, db.limits.Stall, cancel)
	defer watch.close()
	s := &Snapshot{ctx: ctx, db: db, watch: watch, plan: plan, args: args, after: after, key: []byte(after)}
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return false, s.wrap(err)
	}
	defer conn.Close() //nolint:errcheck // returns it to the pool; an error says that it is closed already
	rawErr := conn.Raw(func(c any) error {
		s.conn = c.(driver.QueryerContext)
		if before != nil {
			err = before(s)
		}
		if err == nil {
			err = s.begin()
		}
		if err != nil {
			retry = ctx.Err() == nil && !c.(driver.Validator).IsValid()
			return driver.ErrBadConn // closes the connection
		}
		err = do(s)
		if s.rows != nil && !s.atEnd() {
			cancel(nil) // do stopped early: end the query and the connection instead of reading the rest
		}
		return s.end()
	})
	if err == nil && rawErr != nil && !errors.Is(rawErr, driver.ErrBadConn) {
		err = s.wrap(rawErr)
	}
	return retry, err
}
