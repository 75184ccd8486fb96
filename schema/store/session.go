package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"satchel/schema/store/sqlstate"
)

// Sessions keeps browser sessions for scs, which passes only hashed tokens.
type Sessions struct {
	db  *DB
	Now func() time.Time // the clock by which scs says when a session expires
}

// Sessions returns the browser sessions in this database.
func (db *DB) Sessions() *Sessions { return &Sessions{db: db, Now: time.Now} }

// FindCtx reads a session that has not expired.
func (s *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data []byte
	err := s.db.pool.GetContext(ctx, &data, `select data from satchel.sessions
		where token = $1 and expiry > statement_timestamp() and data <> ''`, token)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, sqlstate.Wrap("read session", err)
}

// CommitCtx writes a session, and deletes some that have expired. By the database's
// clock it expires as far from now as by the caller's. It does not bring back a deleted one: a concurrent request may have been using it.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, err := s.db.pool.ExecContext(ctx, `with old as (delete from satchel.sessions
			where token in (select token from satchel.sessions where expiry < statement_timestamp() and token <> $1 limit 100))
		insert into satchel.sessions (token, data, expiry) values ($1, $2, statement_timestamp() + $3 * interval '1 microsecond')
		on conflict (token) do update set data = excluded.data, expiry = excluded.expiry where sessions.data <> ''`, token, data, expiry.Sub(s.Now()).Microseconds())
	return sqlstate.Wrap("write session", err)
}

// DeleteCtx deletes a session: all but its token, until it would have expired.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.db.pool.ExecContext(ctx, `update satchel.sessions set data = '' where token = $1`, token)
	return sqlstate.Wrap("delete session", err)
}

// Find is FindCtx for callers in scs that have no context.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx for callers in scs that have no context.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx for callers in scs that have no context.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
