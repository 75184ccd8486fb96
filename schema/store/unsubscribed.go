package store

import (
	"context"

	"satchel/schema/store/sqlstate"
)

// Unsubscribed tells which people want no notices of an account's jobs.
func (s *Store) Unsubscribed(ctx context.Context, account string) (map[string]bool, error) {
	var users []string
	err := s.db.SelectContext(ctx, &users, `select user_id from satchel.unsubscribed where account_sid in ($1, '')`, account)
	unsubscribed := make(map[string]bool, len(users))
	for _, u := range users {
		unsubscribed[u] = true
	}
	return unsubscribed, sqlstate.Wrap("read who is unsubscribed", err)
}

// Unsubscribe notes that somebody wants no more notices of the account's jobs,
// or where account is "", of anybody's: a mailed link names its person alone.
// Run again it changes nothing.
func (s *Store) Unsubscribe(ctx context.Context, account, user string) error {
	_, err := s.db.ExecContext(ctx, `insert into satchel.unsubscribed (account_sid, user_id) values ($1, $2)
		on conflict do nothing`, account, user)
	return sqlstate.Wrap("unsubscribe", err)
}
