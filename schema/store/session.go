package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"satchel/schema/store/sqlstate"
)

// Sessions keeps browser sessions for scs, which hands it only hashed tokens.
type Sessions struct{ store *Store }

// Sessions is the store of browser sessions.
func (s *Store) Sessions() *Sessions { return &Sessions{store: s} }

// FindCtx reads a session that has not expired.
func (s *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data []byte
	err := s.store.db.GetContext(ctx, &data, `select data from satchel.sessions
		where token = $1 and expiry > clock_timestamp() and data <> ''`, token)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, sqlstate.Wrap("read session", err)
}

// CommitCtx writes a session, and forgets some that have expired. One that was
// deleted stays so: a request may have been using it in the same moment.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, err := s.store.db.ExecContext(ctx, `with old as (delete from satchel.sessions
			where token in (select token from satchel.sessions where expiry < clock_timestamp() and token <> $1 limit 100))
		insert into satchel.sessions (token, data, expiry) values ($1, $2, $3)
		on conflict (token) do update set data = excluded.data, expiry = excluded.expiry where sessions.data <> ''`, token, data, expiry)
	return sqlstate.Wrap("write session", err)
}

// DeleteCtx forgets a session: all but its token, until it would have expired.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.store.db.ExecContext(ctx, `update satchel.sessions set data = '' where token = $1`, token)
	return sqlstate.Wrap("delete session", err)
}

// Find is what scs calls where there is no context.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is what scs calls where there is no context.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is what scs calls where there is no context.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
