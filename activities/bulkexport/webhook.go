package bulkexport

import (
	"context"
	"errors"
	"time"

	"satchel/activities"
	"satchel/activities/hook"
	"satchel/schema"
)

// DeliverWebhookInput is the input of DeliverWebhook.
type DeliverWebhookInput struct{ Event, Account string }

// DeliverWebhook makes one attempt to deliver an event, and records how it went.
// One that was delivered is not sent again, unless that could not be recorded: the
// event's ID, the same in every request, lets the receiver recognise it.
// An account that, with its subaccounts, has too many under way waits for its next attempt.
func (a *Activities) DeliverWebhook(ctx context.Context, in DeliverWebhookInput) error {
	if a.HooksPerAccount > 0 {
		release, ok := a.hookSlots.take(a.ownerOf(ctx, in.Account), a.HooksPerAccount)
		if !ok {
			a.Count.WebhookWaited()
			return activities.ToApplicationError(ctx, noHookSlot())
		}
		defer release()
	}
	return activities.ToApplicationError(ctx, a.deliver(ctx, in.Event))
}

func (a *Activities) deliver(ctx context.Context, id string) error {
	event, err := a.Store.Event(ctx, id)
	switch {
	case err != nil, event.Status == schema.EventDelivered:
		return err
	case event.Status == schema.EventFailed:
		return schema.Errorf(schema.Conflict, schema.CodeWebhookGivenUp, "The webhook was given up. It can be requested again.")
	}
	attempt := schema.EventAttempt{Outcome: "could not be signed"}
	key, err := a.signingKey(ctx, event.Account)
	if err == nil {
		attempt, err = a.Hooks.Deliver(ctx, event.Hook, event.ID, key, hook.Params(event))
	}
	attempt.At = time.Time{} // now, by the database's clock
	// An attempt that was cancelled was made all the same.
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	recordErr := a.Store.RecordAttempt(recording, event.ID, attempt)
	switch {
	case err == nil:
		return recordErr
	case recordErr != nil:
		logError(ctx, "webhook attempt not recorded", event.ID, recordErr)
	}
	return err
}

// signingKey is the account's auth token, with which webhooks are signed also where
// an API key made the request. An account that has none, or is not visible yet, may
// have one later.
func (a *Activities) signingKey(ctx context.Context, account string) ([]byte, error) {
	sealed, err := a.Source.SigningKey(ctx, account)
	if activities.IsNonRetryable(schema.KindOf(err)) {
		return nil, activities.NotVisible("The source database shows no auth token of the account.")
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

// GiveUpWebhookInput is the input of GiveUpWebhook.
type GiveUpWebhookInput struct{ Event string }

// GiveUpWebhook records that an event is not retried any more. One that was
// delivered stays so.
func (a *Activities) GiveUpWebhook(ctx context.Context, in GiveUpWebhookInput) error {
	return activities.ToApplicationError(ctx, a.Store.MarkEventFailed(ctx, in.Event))
}

// ReopenWebhookInput is the input of ReopenWebhook.
type ReopenWebhookInput struct{ Event string }

// ReopenWebhook makes an event deliverable once more.
func (a *Activities) ReopenWebhook(ctx context.Context, in ReopenWebhookInput) error {
	return activities.ToApplicationError(ctx, a.Store.ReopenEvent(ctx, in.Event))
}
