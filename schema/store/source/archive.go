package source

import (
	"context"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/pgconn"
	"satchel/schema/store/sqlstate"
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

// Ready reports whether calls can be deleted, to this program alone. It deletes none.
func (a *Archive) Ready(ctx context.Context) error {
	if err := a.CheckSessions(ctx); err != nil {
		return err
	}
	var readOnly bool
	if err := a.pool.GetContext(ctx, &readOnly, `select current_setting('transaction_read_only')::boolean`); err != nil {
		return wrap(ctx, a.pool, "ping archive", err)
	}
	if readOnly {
		return &schema.SetupError{Message: "The archive of calls takes no writes: ARCHIVE_DATABASE_URL must lead to the primary, and to a role that may write."}
	}
	_, err := a.pool.ExecContext(ctx, "explain "+a.erase, "", pq.StringArray{})
	err = wrap(ctx, a.pool, "plan the erasure from the archive", err)
	if err == nil || schema.KindOf(err) == schema.Unavailable || ctx.Err() != nil {
		return err
	}
	sentence := "is refused; the log has the reason."
	switch {
	case sqlstate.Is(err, "42P01"), sqlstate.Is(err, "3F000"), sqlstate.Is(err, "42703"):
		sentence = "names a table or a column that is not there."
	case sqlstate.Is(err, sqlstate.InsufficientPrivilege):
		sentence = "needs what the role may not do: grant it select and delete on the table, and bypassrls if it has row security."
	}
	return &schema.SetupError{Cause: err, Message: "Calls cannot be erased from the archive in ARCHIVE_DATABASE_URL: days/erase/Calls.sql of the catalog " + sentence}
}

// Close closes all connections.
func (a *Archive) Close() error { return a.pool.Close() }

// EraseCalls deletes calls of the account. Deleting calls that are gone succeeds.
func (a *Archive) EraseCalls(ctx context.Context, account string, calls []string) error {
	_, err := a.pool.ExecContext(ctx, a.erase, account, append(pq.StringArray{}, calls...))
	return wrap(ctx, a.pool, "erase from archive", err)
}
