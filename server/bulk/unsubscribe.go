package bulk

import (
	"context"

	"satchel/schema"
)

// IsUnsubscribeLink reports whether a token is from an unsubscribe link that we mailed.
func (b *Bulk) IsUnsubscribeLink(token string) bool {
	_, _, ok := b.Links.Verify(schema.ToUnsubscribe, token)
	return ok
}

// Unsubscribe stops job notices to the person named by a mailed link, and to no one else.
// Repeating it changes nothing.
func (b *Bulk) Unsubscribe(ctx context.Context, token string) error {
	user, _, ok := b.Links.Verify(schema.ToUnsubscribe, token)
	if !ok {
		return schema.Errorf(schema.NotFound, schema.CodeNotFound, "This link is not valid.")
	}
	return b.Store.Unsubscribe(ctx, user)
}
