package bulk

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/client"
)

// Events lists the latest webhooks of the caller's account, newest first, with
// how their delivery goes.
func (b *Bulk) Events(ctx context.Context, p auth.Principal, limit int) ([]schema.Event, error) {
	return b.Store.Events(ctx, p.Account, limit)
}

// SendAgain delivers a webhook once more. One that is being delivered goes on.
func (b *Bulk) SendAgain(ctx context.Context, p auth.Principal, id string) (schema.Event, error) {
	for until := time.Now().Add(client.UpdateTimeout(ctx)); ; time.Sleep(50 * time.Millisecond) {
		e, err := b.Store.AccountEvent(ctx, p.Account, id)
		if err != nil {
			return e, err
		}
		err = client.ResendWebhook(ctx, b.Temporal, e)
		if !client.IsClosing(err) || ctx.Err() != nil || time.Now().After(until) {
			return e, err
		}
	}
}
