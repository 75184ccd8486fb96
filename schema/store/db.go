package store

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema/migrations"
	"satchel/schema/store/pgconn"
	"satchel/schema/store/sqlstate"
)

// DB is Satchel's own database, and the rows that both kinds of exports use:
// audit, e-mails and sessions. It is safe for concurrent use.
type DB struct{ pool *sqlx.DB }

// AccountExports keeps the rows of account exports.
type AccountExports struct{ *DB }

// BulkExports keeps the rows of bulk exports: jobs, day files, configurations,
// erasures and webhook events.
type BulkExports struct{ *DB }

// Open prepares to connect to the database at url, which must set sslmode. It
// connects to nothing, so a database that is down is no error; Ping finds out.
func Open(url string, maxConns int) (*DB, error) {
	pool, err := pgconn.Open(pgconn.Config{Setting: "DATABASE_URL", URL: url, MaxConns: maxConns, Dial: (&net.Dialer{}).DialContext})
	if err != nil {
		return nil, err
	}
	return &DB{pool}, nil
}

// AccountExports returns the rows of account exports in this database.
func (db *DB) AccountExports() *AccountExports { return &AccountExports{db} }

// BulkExports returns the rows of bulk exports in this database.
func (db *DB) BulkExports() *BulkExports { return &BulkExports{db} }

// Close closes all connections.
func (db *DB) Close() error { return db.pool.Close() }

// SQL returns the connection pool, for tests.
func (db *DB) SQL() *sql.DB { return db.pool.DB }

// Ping checks that the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return sqlstate.Wrap("ping database", db.pool.PingContext(ctx))
}

// Ready checks that the database answers and has all migrations.
func (db *DB) Ready(ctx context.Context) error {
	if err := db.Ping(ctx); err != nil {
		return err
	}
	pending, err := migrations.Pending(ctx, db.pool.DB, migrations.Satchel)
	if err != nil {
		return sqlstate.Wrap("look for migrations", err)
	}
	if pending {
		return errors.New("the database lacks a migration: run worker migrate")
	}
	return nil
}

// Now returns the time by the database's clock, which decides when links and
// files expire.
func (db *DB) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := db.pool.GetContext(ctx, &now, `select clock_timestamp()`)
	return now, sqlstate.Wrap("read the clock", err)
}

// idleTimeout makes the server end a transaction that waits that long for its
// next statement: the locks of a host that died in between must not be held
// for hours.
const idleTimeout = `set local idle_in_transaction_session_timeout = '30s'`

// inTx runs do in one transaction, which it commits if do succeeds.
func (db *DB) inTx(ctx context.Context, op string, do func(*sqlx.Tx) error) error {
	tx, err := db.pool.BeginTxx(ctx, nil)
	if err != nil {
		return sqlstate.Wrap(op, err)
	}
	if _, err = tx.ExecContext(ctx, idleTimeout); err == nil {
		err = do(tx)
	}
	if err != nil {
		_ = tx.Rollback() // the first error is the cause
		return sqlstate.Wrap(op, err)
	}
	return sqlstate.Wrap(op, tx.Commit())
}
