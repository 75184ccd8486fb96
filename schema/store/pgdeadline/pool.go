package pgdeadline

import (
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"
)

// OpenPool returns a pool of at most maxConns connections to the database at
// url, which must state its sslmode. It does not connect yet. Errors name the
// setting that the URL comes from, never the URL, which may hold a password.
//
// Statements that are prepared and kept are not covered: they wait as long as
// the driver does. Satchel has none.
func OpenPool(setting, url string, maxConns int, dial Dial) (*sql.DB, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, errors.New(setting + " is not a PostgreSQL URL") // err may hold the password
	}
	if config.SSLMode == "" {
		return nil, errors.New(setting + " must say its sslmode, for example sslmode=verify-full")
	}
	config.ApplicationName = "satchel"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second // without it a connect that gets no answer holds its slot for minutes
	}
	driverConnector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, errors.New(setting + " is not a PostgreSQL URL")
	}
	driverConnector.Dialer(dialer{dial})
	pool := sql.OpenDB(connector{driverConnector})
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool, nil
}
