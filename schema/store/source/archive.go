package source

import (
	"context"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema/store/pgconn"
	"satchel/schema/store/sqlstate"
)

// Archive is the platform's archive of calls that are too old for its database,
// accessed with a role that may delete from it. Deleting from it is the only
// write to the platform's data.
type Archive struct {
	pool  *sqlx.DB
	erase string
}

// OpenArchive prepares to run the DELETE statement erase, which takes an account
// and calls, on the archive at url, which must state its sslmode, over at most
// maxConns connections. An archive that is down is no error.
func OpenArchive(url, erase string, maxConns int) (*Archive, error) {
	pool, err := pgconn.Open(pgconn.Config{Setting: "ARCHIVE_DATABASE_URL", URL: url, MaxConns: maxConns, Dial: dial})
	if err != nil {
		return nil, err
	}
	return &Archive{pool: pool, erase: erase}, nil
}

// Close closes all connections.
func (a *Archive) Close() error { return a.pool.Close() }

// EraseCalls deletes calls of the account. Deleting calls that are gone succeeds.
func (a *Archive) EraseCalls(ctx context.Context, account string, calls []string) error {
	_, err := a.pool.ExecContext(ctx, a.erase, account, append(pq.StringArray{}, calls...))
	return sqlstate.WrapContext(ctx, "erase from archive", err)
}
