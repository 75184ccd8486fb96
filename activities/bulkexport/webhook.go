package activities

import (
	"context"
	"errors"
	"time"

	"satchel/activities/hook"
	"satchel/schema"
)

// Deliver is what DeliverWebhook and GiveUpWebhook are told.
type Deliver struct{ Event string }

// DeliverWebhook tries once to deliver an event, and notes how that went. One
// that was delivered is not sent again. Where a delivery could not be noted it
// is: the event's ID, the same in every request, tells the receiver.
func (a *Activities) DeliverWebhook(ctx context.Context, in Deliver) error {
	return verdict(ctx, a.deliver(ctx, in.Event))
}

func (a *Activities) deliver(ctx context.Context, id string) error {
	event, err := a.Bulk.Event(ctx, id)
	switch {
	case err != nil, event.Status == schema.EventDelivered:
		return err
	case event.Status == schema.EventGivenUp:
		return schema.Errorf(schema.Conflict, "webhook_given_up", "The webhook was given up. It can be asked for again.")
	}
	try := schema.EventTry{At: time.Now().UTC(), Outcome: "could not be signed"}
	key, err := a.signingKey(ctx, event.Account)
	if err == nil {
		try, err = a.Hooks.Deliver(ctx, event.Hook, event.ID, key, hook.Params(event))
	}
	// Whoever is told to stop has tried all the same.
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	noted := a.Bulk.NoteTry(noting, event.ID, try)
	switch {
	case err == nil:
		return noted
	case noted != nil:
		logged(ctx, "a try was not noted", event.ID, noted)
	}
	return err
}

// signingKey is the account's auth token. It signs even where an API key asked.
// An account that has none, or is not seen yet, may have one later.
func (a *Activities) signingKey(ctx context.Context, account string) ([]byte, error) {
	sealed, err := a.Days.SigningKey(ctx, account)
	if final(schema.KindOf(err)) {
		return nil, unseen("The source database shows no auth token of the account.")
	}
	if err != nil {
		return nil, err
	}
	key, err := a.Secrets.Unseal(ctx, sealed, account, schema.SealedToken)
	if err == nil && len(key) == 0 {
		return nil, errors.New("the account's auth token is empty")
	}
	return key, err
}

// GiveUpWebhook notes that an event is not tried any more. One that was
// delivered stays so.
func (a *Activities) GiveUpWebhook(ctx context.Context, in Deliver) error {
	return verdict(ctx, a.Bulk.GiveUpEvent(ctx, in.Event))
}
