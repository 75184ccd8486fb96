package bulk

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/limit"
	"satchel/workflows/client"
)

// Events returns the latest webhooks of the caller's account, newest first, with the state of
// their delivery.
func (b *Bulk) Events(ctx context.Context, p auth.Principal, limit int) ([]schema.Event, error) {
	return b.Store.Events(ctx, p.Account, limit)
}

// Defaults of how often webhooks may be sent again in an hour: a person who mends a receiver
// tries a few times, and then sends again what a day's outage kept back.
const (
	defaultResendsPerEvent   = 10
	defaultResendsPerAccount = 1000

	// maxPendingDeliveries is how many webhooks of one account may be under way when another
	// is sent again.
	maxPendingDeliveries = 100
)

// ResendEvent delivers a webhook again. If it is being delivered, that delivery continues. The
// error is Limited if that was requested too often, or too many webhooks of the account are
// under way.
func (b *Bulk) ResendEvent(ctx context.Context, p auth.Principal, id string) (schema.Event, error) {
	deadline, counted := time.Now().Add(client.UpdateTimeout(ctx)), false
	for {
		e, err := b.Store.AccountEvent(ctx, p.Account, id)
		if err != nil {
			return e, err
		}
		if err := b.checkResends(ctx, e, &counted); err != nil {
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

// checkResends counts that an event is sent again, once for a request. Nothing is counted for
// one that is being delivered.
func (b *Bulk) checkResends(ctx context.Context, e schema.Event, counted *bool) error {
	if *counted || e.Status == schema.EventPending {
		return nil
	}
	*counted = true
	pending, err := b.Store.CountPendingEvents(ctx, e.Account, maxPendingDeliveries)
	if err != nil {
		return err
	}
	if pending >= maxPendingDeliveries {
		return limit.Refuse(limit.PendingDeliveries, schema.CodeTooManyResends, time.Minute,
			"Too many webhooks of this account are being delivered. Please wait until some have arrived.")
	}
	if wait := b.eventResends.Take(e.ID); wait > 0 {
		return limit.Refuse(limit.EventResends, schema.CodeTooManyResends, wait, "This webhook was sent again too often. Please try again later.")
	}
	if wait := b.accountResends.Take(e.Account); wait > 0 {
		return limit.Refuse(limit.AccountResends, schema.CodeTooManyResends, wait, "Too many webhooks of this account were sent again. Please try again later.")
	}
	return nil
}
