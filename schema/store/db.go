package store

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema/migrations"
	"satchel/schema/store/line"
	"satchel/schema/store/sqlstate"
)

// Store is Satchel's own database. It is safe for concurrent use.
type Store struct{ db *sqlx.DB }

// Open prepares to connect to the database at url, which must say its sslmode.
// The database may be away for now; Ping tells.
func Open(url string, maxConns int) (*Store, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a PostgreSQL URL") // the cause may hold the password
	}
	if config.SSLMode == "" {
		return nil, errors.New("DATABASE_URL must say its sslmode, for example sslmode=verify-full")
	}
	config.ApplicationName = "satchel"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second // else one that nobody answers holds its place for minutes
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a PostgreSQL URL")
	}
	db := sqlx.NewDb(line.Open(connector, (&net.Dialer{}).DialContext), "postgres")
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &Store{db: db}, nil
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
