package bulk

import (
	"context"

	"satchel/schema"
)

// IsUnsubscribeLink tells whether a token is one that we mailed.
func (b *Bulk) IsUnsubscribeLink(token string) bool {
	_, _, ok := b.Links.Open(schema.ToUnsubscribe, token)
	return ok
}

// Unsubscribe ends the notices of jobs to the person that a mailed link names,
// and to nobody else. Again changes nothing.
func (b *Bulk) Unsubscribe(ctx context.Context, token string) error {
	user, _, ok := b.Links.Open(schema.ToUnsubscribe, token)
	if !ok {
		return schema.Errorf(schema.NotFound, "not_found", "This link does not lead anywhere.")
	}
	return b.Store.Unsubscribe(ctx, user)
}
