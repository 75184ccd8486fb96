package store

import (
	"context"
	"time"

	"satchel/schema/store/sqlstate"
)

// Exclusively calls do while no other process is in a call with the same name. It waits
// for its turn, and occupies a connection.
func (db *DB) Exclusively(ctx context.Context, name string, do func(context.Context) error) error {
	conn, err := db.pool.Connx(ctx)
	if err != nil {
		return sqlstate.Wrap("lock "+name, err)
	}
	defer conn.Close() //nolint:errcheck // the lock was released, or ends with the connection
	if _, err := conn.ExecContext(ctx, `select pg_advisory_lock(hashtextextended($1, 0))`, name); err != nil {
		return sqlstate.Wrap("lock "+name, err)
	}
	defer func() {
		unlocking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, _ = conn.ExecContext(unlocking, `select pg_advisory_unlock(hashtextextended($1, 0))`, name) // a broken connection holds no lock
	}()
	return do(ctx)
}
