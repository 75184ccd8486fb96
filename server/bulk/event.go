package bulk

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows"
)

// Events lists the latest webhooks of the caller's account, newest first, with
// how their delivery goes.
func (b *Bulk) Events(ctx context.Context, p auth.Principal, limit int) ([]schema.Event, error) {
	return b.Store.Events(ctx, p.Account, limit)
}

// SendAgain delivers a webhook once more. One that is being delivered goes on.
func (b *Bulk) SendAgain(ctx context.Context, p auth.Principal, id string) (schema.Event, error) {
	deadline := time.Now().Add(workflows.Waiting(ctx))
	for {
		e, err := b.Store.AccountEvent(ctx, p.Account, id)
		if err != nil {
			return e, err
		}
		err = workflows.SendEventAgain(ctx, b.Temporal, e)
		if !workflows.IsClosing(err) || time.Now().After(deadline) {
			return e, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return e, err
		}
	}
}
