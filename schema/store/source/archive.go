package source

import (
	"context"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema/store/pgconn"
)

// Archive is the platform's archive of calls that are too old for its database,
// accessed with a role that may delete from it. Deleting from it is the only
// write to the platform's data.
type Archive struct {
	pool     *sqlx.DB
	sessions *pgconn.SessionCheck
	erase    string
}

// OpenArchive prepares to run the DELETE statement erase, which takes an account
// and calls, on the archive at url, which must state its sslmode, over at most
// maxConns connections. An archive that is down is no error.
func OpenArchive(url, erase string, maxConns int) (*Archive, error) {
	pool, sessions, err := pgconn.Open(pgconn.Config{Setting: "ARCHIVE_DATABASE_URL", URL: url, MaxConns: maxConns, Dial: dial})
	if err != nil {
		return nil, err
	}
	return &Archive{pool: pool, sessions: sessions, erase: erase}, nil
}

// CheckSessions returns an error if the archive is reached through a pooler in
// transaction mode.
func (a *Archive) CheckSessions(ctx context.Context) error { return a.sessions.Check(ctx) }

// Close closes all connections.
func (a *Archive) Close() error { return a.pool.Close() }

// EraseCalls deletes calls of the account. Deleting calls that are gone succeeds.
func (a *Archive) EraseCalls(ctx context.Context, account string, calls []string) error {
	_, err := a.pool.ExecContext(ctx, a.erase, account, append(pq.StringArray{}, calls...))
	return wrap(ctx, a.pool, "erase from archive", err)
}
