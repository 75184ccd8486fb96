package store

import (
	"context"

	"github.com/lib/pq"

	"satchel/schema/store/sqlstate"
)

// Unsubscribed returns which of the users get no notices of bulk jobs.
func (b *BulkExports) Unsubscribed(ctx context.Context, users []string) (map[string]bool, error) {
	var list []string
	err := b.pool.SelectContext(ctx, &list, `select user_id from satchel.unsubscribed where user_id = any($1)`, pq.Array(users))
	unsubscribed := make(map[string]bool, len(list))
	for _, u := range list {
		unsubscribed[u] = true
	}
	return unsubscribed, sqlstate.Wrap("read unsubscribed users", err)
}

// Unsubscribe ends notices of bulk jobs to a user. Run again it changes nothing.
func (b *BulkExports) Unsubscribe(ctx context.Context, user string) error {
	_, err := b.pool.ExecContext(ctx, `insert into satchel.unsubscribed (user_id) values ($1) on conflict do nothing`, user)
	return sqlstate.Wrap("unsubscribe", err)
}
