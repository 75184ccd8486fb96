package store

import (
	"context"

	"github.com/lib/pq"

	"satchel/schema/store/sqlstate"
)

// Unsubscribed tells which of these people want no notices of bulk jobs.
func (s *Store) Unsubscribed(ctx context.Context, users []string) (map[string]bool, error) {
	var list []string
	err := s.db.SelectContext(ctx, &list, `select user_id from satchel.unsubscribed where user_id = any($1)`, pq.Array(users))
	unsubscribed := make(map[string]bool, len(list))
	for _, u := range list {
		unsubscribed[u] = true
	}
	return unsubscribed, sqlstate.Wrap("read who is unsubscribed", err)
}

// Unsubscribe notes that somebody wants no more notices of bulk jobs. Run again
// it changes nothing.
func (s *Store) Unsubscribe(ctx context.Context, user string) error {
	_, err := s.db.ExecContext(ctx, `insert into satchel.unsubscribed (user_id) values ($1) on conflict do nothing`, user)
	return sqlstate.Wrap("unsubscribe", err)
}
