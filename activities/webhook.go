package activities

import (
	"context"
	"errors"
)

// Deliver is what DeliverWebhook and GiveUpWebhook are told.
type Deliver struct {
	Event   string
	Account string
}

// DeliverWebhook tries once to deliver an event.
func (a *Activities) DeliverWebhook(ctx context.Context, in Deliver) error {
	return verdict(ctx, errors.New("not written yet"))
}

// GiveUpWebhook gives up on an event.
func (a *Activities) GiveUpWebhook(ctx context.Context, in Deliver) error {
	return verdict(ctx, a.Bulk.GiveUpEvent(ctx, in.Event))
}
