package pgconn

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// SessionCheck finds out whether each connection is a session of its own. Behind a
// pooler in transaction mode it is not: statements of several clients meet on one
// connection to the server, and one gets the result of another without an error.
type SessionCheck struct {
	setting string
	open    func() (*sql.DB, error)

	mu      sync.Mutex
	checked time.Time
	err     error
}

const (
	checkEvery = time.Minute // a check opens three connections
	held       = 2           // connections that hold a transaction during a check; more find nothing more
)

// NewSessionCheck returns the check of the database that c describes.
func NewSessionCheck(c Config) *SessionCheck {
	c.MaxConns = 1 + held
	return &SessionCheck{setting: c.Setting, open: func() (*sql.DB, error) {
		pool, err := Open(c)
		if err != nil {
			return nil, err
		}
		return pool.DB, nil
	}}
}

// Check returns an error that names the setting if the database is reached through a
// pooler in transaction or statement mode. It repeats the check after a minute at the
// earliest. A database that does not answer is schema.Unavailable.
func (s *SessionCheck) Check(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.checked.IsZero() && time.Since(s.checked) < checkEvery {
		return s.err
	}
	shared, err := s.isShared(ctx)
	if err != nil && !shared {
		return sqlstate.WrapContext(ctx, "check the sessions of "+s.setting, err)
	}
	s.checked, s.err = time.Now(), nil
	if shared {
		s.err = &schema.SetupError{Message: s.setting + " leads to a pooler in transaction mode, behind which queries get the results of others: connect to Postgres directly, or set the pooler's mode to session"}
	}
	return s.err
}

// isShared asks one connection for the process that serves it, while others hold a
// process each by an open transaction. In session mode the answer never changes and no
// other connection has the same. A pooler that shares gives the first connection's
// process away as soon as its statement has ended.
func (s *SessionCheck) isShared(ctx context.Context) (bool, error) {
	pool, err := s.open()
	if err != nil {
		return false, err
	}
	defer pool.Close() //nolint:errcheck // nothing was written
	idle, err := pool.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer idle.Close() //nolint:errcheck // as above
	first, err := serverProcess(ctx, idle)
	if err != nil {
		return false, err
	}
	for range held {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return false, err
		}
		defer conn.Close() //nolint:errcheck // as above
		tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil { // in statement mode, a pooler closes the connection
			_, idleErr := serverProcess(ctx, idle)
			return idleErr == nil, err
		}
		defer tx.Rollback() //nolint:errcheck // as above
		other, err := serverProcess(ctx, tx)
		if err != nil {
			return false, err
		}
		if other == first {
			return true, nil
		}
		again, err := serverProcess(ctx, idle)
		if err != nil {
			return false, err
		}
		if again != first {
			return true, nil
		}
	}
	return false, nil
}

func serverProcess(ctx context.Context, on interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (pid int64, err error) {
	err = on.QueryRowContext(ctx, "select pg_catalog.pg_backend_pid()").Scan(&pid)
	return pid, err
}
