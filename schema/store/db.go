package store

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/migrations"
	"satchel/schema/store/pgconn"
	"satchel/schema/store/sqlstate"
)

// DB is Satchel's own database, and the rows that both kinds of exports use:
// audit, e-mails and sessions. It is safe for concurrent use.
type DB struct {
	pool     *sqlx.DB
	sessions *pgconn.SessionCheck
	ready    atomic.Bool // Ready has returned nil
}

// AccountExports keeps the rows of account exports.
type AccountExports struct{ *DB }

// BulkExports keeps the rows of bulk exports: jobs, day files, configurations,
// erasures and webhook events.
type BulkExports struct{ *DB }

// Open prepares to connect to the database at url, which must set sslmode. It
// connects to nothing, so a database that is down is no error; Ping finds out.
func Open(url string, maxConns int) (*DB, error) {
	pool, sessions, err := pgconn.Open(pgconn.Config{Setting: "DATABASE_URL", URL: url, MaxConns: maxConns, Dial: (&net.Dialer{}).DialContext})
	if err != nil {
		return nil, err
	}
	return &DB{pool: pool, sessions: sessions}, nil
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

// CheckSessions returns an error if the database is reached through a pooler in
// transaction mode.
func (db *DB) CheckSessions(ctx context.Context) error { return db.sessions.Check(ctx) }

// Ready checks that the database can be used: it answers this program alone,
// takes writes, has this program's
// migrations, and grants what the program needs. A program that was ready stays so when
// the database is migrated for a newer version, which is about to replace it.
func (db *DB) Ready(ctx context.Context) error {
	if err := db.CheckSessions(ctx); err != nil {
		return err
	}
	var readOnly bool
	if err := db.pool.GetContext(ctx, &readOnly, `select current_setting('transaction_read_only')::boolean`); err != nil {
		return sqlstate.WrapContext(ctx, "ping database", err)
	}
	if readOnly {
		return &schema.SetupError{Message: "The database takes no writes: DATABASE_URL must lead to the primary, and to a role that may write."}
	}
	state, err := migrations.StateOf(ctx, db.pool.DB, migrations.Satchel)
	if sqlstate.Is(err, sqlstate.InsufficientPrivilege) {
		return &schema.SetupError{Message: `The role in DATABASE_URL may not read public.satchel_migrations: grant it what docs/running.md lists under "Satchel's own database".`}
	}
	if err != nil {
		return sqlstate.WrapContext(ctx, "look for migrations", err)
	}
	switch state {
	case migrations.Never:
		return &schema.SetupError{Message: "The database was never migrated: run worker migrate, with the DATABASE_URL of the role that owns the database."}
	case migrations.Older:
		return &schema.SetupError{Message: "The database lacks a migration of this version: run this version's worker migrate, with the DATABASE_URL of the role that owns the database."}
	case migrations.Newer:
		if !db.ready.Load() {
			return &schema.SetupError{Message: "The database was migrated for a newer version: start that version, or correct DATABASE_URL."}
		}
	}
	if err := db.checkGrants(ctx); err != nil {
		return err
	}
	db.ready.Store(true)
	return nil
}

// checkGrants returns an error that names the first table that the role may not use.
// Audit rows are only read and added.
func (db *DB) checkGrants(ctx context.Context) error {
	var table string
	err := db.pool.GetContext(ctx, &table, `
		select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'satchel' and c.relkind in ('r', 'p') and not c.relispartition and not (
			has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
			and (c.relname = 'audit' or has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete')))
		order by c.relname limit 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return sqlstate.WrapContext(ctx, "look for grants", err)
	}
	return &schema.SetupError{Message: "The role in DATABASE_URL may not use satchel." + table + `: grant it what docs/running.md lists under "Satchel's own database".`}
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
