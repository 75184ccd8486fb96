package bulk

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/client"
)

// Events returns the latest webhooks of the caller's account, newest first, with the state of
// their delivery.
func (b *Bulk) Events(ctx context.Context, p auth.Principal, limit int) ([]schema.Event, error) {
	return b.Store.Events(ctx, p.Account, limit)
}

// ResendEvent delivers a webhook again. If it is being delivered, that delivery continues.
func (b *Bulk) ResendEvent(ctx context.Context, p auth.Principal, id string) (schema.Event, error) {
	deadline := time.Now().Add(client.UpdateTimeout(ctx))
	for {
		e, err := b.Store.AccountEvent(ctx, p.Account, id)
		if err != nil {
			return e, err
		}
		err = client.ResendWebhook(ctx, b.Temporal, e)
		if !client.IsClosing(err) || time.Now().After(deadline) {
			return e, err
		}
		select {
		case <-time.After(50 * time.Millisecond): // its previous run is about to close
		case <-ctx.Done():
			return e, err
		}
	}
}
