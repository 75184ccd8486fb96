// Package pgconn opens pools of connections to Postgres, one way for every
// database that Satchel uses.
package pgconn

import (
	"database/sql"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema/store/pgdeadline"
)

const (
	applicationName = "satchel"        // in pg_stat_activity
	connectTimeout  = 10 * time.Second // where the URL sets none: else a host that does not answer is waited for for minutes
	maxIdleTime     = 5 * time.Minute
)

// Config describes a pool.
type Config struct {
	Setting  string // the variable that holds the URL, for errors
	URL      string
	MaxConns int
	Dial     pgdeadline.Dial
}

// Open makes a pool and the check of its sessions, which every first connection makes,
// too. It connects to nothing. The URL must set sslmode. Errors name the setting and
// never the URL, which may hold a password.
func Open(c Config) (*sqlx.DB, *SessionCheck, error) {
	config, err := pq.NewConfig(c.URL)
	if err != nil {
		return nil, nil, errors.New(c.Setting + " is not a PostgreSQL URL") // the cause may hold the password
	}
	if config.SSLMode == "" {
		return nil, nil, errors.New(c.Setting + " must say its sslmode, for example sslmode=verify-full")
	}
	config.ApplicationName = applicationName
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	raw, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, nil, errors.New(c.Setting + " is not a PostgreSQL URL")
	}
	connector := pgdeadline.Connector(raw, c.Dial)
	sessions := &SessionCheck{setting: c.Setting, connector: connector}
	pool := sqlx.NewDb(sql.OpenDB(sessionConnector{connector, sessions}), "postgres")
	pool.SetMaxOpenConns(c.MaxConns)
	pool.SetMaxIdleConns(c.MaxConns)
	pool.SetConnMaxIdleTime(maxIdleTime)
	return pool, sessions, nil
}
