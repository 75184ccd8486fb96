package pgconn

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math"
	"sync"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// SessionCheck finds out whether each connection of a pool is a session of its own.
// Behind a pooler in transaction mode it is not: statements of several clients meet on
// one connection to the server, and one gets the result of another without an error.
type SessionCheck struct {
	setting   string
	connector driver.Connector

	mu      sync.Mutex
	checked time.Time
	err     error
}

const (
	checkEvery   = time.Minute      // a check opens two connections
	checkTimeout = 10 * time.Second // where the context has no deadline
	checkRounds  = 4                // a pooler with few connections to the server takes turns

	anyAge = time.Duration(math.MaxInt64)
)

// Check returns an error that names the setting if the database is reached through a
// pooler in transaction or statement mode. It repeats the check after a minute at the
// earliest. A database that does not answer is schema.Unavailable.
func (s *SessionCheck) Check(ctx context.Context) error {
	err := s.check(ctx, checkEvery)
	if isShared(err) {
		return err
	}
	return sqlstate.WrapContext(ctx, "check the sessions of "+s.setting, err)
}

// check is Check where an earlier success counts for as long as maxAge. Other errors
// than a schema.SetupError are the driver's.
func (s *SessionCheck) check(ctx context.Context, maxAge time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		maxAge = checkEvery
	}
	if !s.checked.IsZero() && time.Since(s.checked) < maxAge {
		return s.err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	shared, err := s.sharesProcess(ctx)
	if err != nil {
		return err
	}
	s.checked, s.err = time.Now(), nil
	if shared {
		s.err = &schema.SetupError{Message: s.setting + " leads to a pooler in transaction mode, behind which queries get the results of others: connect to Postgres directly, or set the pooler's mode to session"}
	}
	return s.err
}

func isShared(err error) bool {
	_, ok := errors.AsType[*schema.SetupError](err)
	return ok
}

// sharesProcess asks one connection for the process that serves it, while another one holds a
// process by a transaction. In session mode the answer never changes and the other
// connection has another process. A pooler that shares gives the first connection's
// process away as soon as its statement has ended. The check changes no setting, since
// behind such a pooler it would change those of others.
func (s *SessionCheck) sharesProcess(ctx context.Context) (bool, error) {
	pool := sql.OpenDB(s.connector)
	defer pool.Close() //nolint:errcheck // nothing was written
	idle, err := pool.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer idle.Close() //nolint:errcheck // as above
	holder, err := pool.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer holder.Close() //nolint:errcheck // as above
	if _, err := serverProcess(ctx, holder); err != nil {
		return false, err
	}
	first, err := serverProcess(ctx, idle)
	if err != nil {
		return false, err
	}
	for range checkRounds {
		shared, err := meets(ctx, first, idle, holder)
		if err != nil || shared {
			return shared, err
		}
	}
	return false, nil
}

// meets reports whether a transaction of holder is served by the process first, or idle
// is not any more.
func meets(ctx context.Context, first int64, idle, holder *sql.Conn) (bool, error) {
	tx, err := holder.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if errors.Is(err, driver.ErrBadConn) { // in statement mode, a pooler closes a connection that begins a transaction
		if _, err := serverProcess(ctx, idle); err == nil {
			return true, nil
		}
	}
	if err != nil {
		return false, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	other, err := serverProcess(ctx, tx)
	if err != nil || other == first { // then a pooler with one connection to the server has none left for idle
		return err == nil, err
	}
	again, err := serverProcess(ctx, idle)
	return err == nil && again != first, err
}

func serverProcess(ctx context.Context, on interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (pid int64, err error) {
	err = on.QueryRowContext(ctx, "select pg_catalog.pg_backend_pid()").Scan(&pid)
	return pid, err
}

// sessionConnector makes connections that are sessions of their own, with the settings
// of setSession. It makes none behind a pooler in transaction mode.
type sessionConnector struct {
	driver.Connector
	sessions *SessionCheck
}

// Connect is driver.Connector.
func (c sessionConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.sessions.check(ctx, anyAge); err != nil {
		if isShared(err) {
			return nil, sqlstate.Unavailable(err)
		}
		return nil, err
	}
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, setSession, nil); err != nil {
		_ = conn.Close() // the first error is the cause
		return nil, err
	}
	return conn, nil
}
