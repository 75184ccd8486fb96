package store

import (
	"context"
	"database/sql"
	"errors"
	"net"

	"github.com/jmoiron/sqlx"

	"satchel/schema/migrations"
	"satchel/schema/store/pgconn"
	"satchel/schema/store/sqlstate"
)

// Store is Satchel's own database. It is safe for concurrent use.
type Store struct{ db *sqlx.DB }

// Open prepares to connect to the database at url, which must say its sslmode.
// The database may be away for now; Ping tells.
func Open(url string, maxConns int) (*Store, error) {
	pool, err := pgconn.Open(pgconn.Config{Setting: "DATABASE_URL", URL: url, MaxConns: maxConns, Dial: (&net.Dialer{}).DialContext})
	if err != nil {
		return nil, err
	}
	return &Store{db: pool}, nil
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.Close() }

// DB is the pool itself, for migrations.
func (s *Store) DB() *sql.DB { return s.db.DB }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return sqlstate.Wrap("ping database", s.db.PingContext(ctx))
}

// Ready tells whether the database answers and has all migrations.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	pending, err := migrations.Pending(ctx, s.db.DB, migrations.Satchel)
	if err != nil {
		return sqlstate.Wrap("look for migrations", err)
	}
	if pending {
		return errors.New("the database lacks a migration: run worker migrate")
	}
	return nil
}

// standstill is how long a transaction of ours may wait for its next statement
// before the server ends it: a host that died in between must not hold its
// locks for hours.
const standstill = `set local idle_in_transaction_session_timeout = '30s'`

// inTx runs do in one transaction and keeps all of it or nothing.
func (s *Store) inTx(ctx context.Context, op string, do func(*sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return sqlstate.Wrap(op, err)
	}
	if _, err = tx.ExecContext(ctx, standstill); err == nil {
		err = do(tx)
	}
	if err != nil {
		_ = tx.Rollback() // the first error is the one that tells
		return sqlstate.Wrap(op, err)
	}
	return sqlstate.Wrap(op, tx.Commit())
}
