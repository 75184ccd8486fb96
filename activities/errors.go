package activities

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"satchel/activities/mail"
	"satchel/schema"
)

// verdict turns an error into what Temporal may know of it: a stable type, a
// sentence of ours, and whether to try again. It is the last thing an
// activity does. The cause goes to the worker's log and no further: histories
// are read by many.
func verdict(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return err
	}
	kind, message := "internal", "something went wrong; the worker's log says what"
	options := temporal.ApplicationErrorOptions{}
	var (
		known   *schema.Error
		letter  *mail.Error
		refusal interface{ SQLState() string }
		stored  interface{ Told() string } // of package vault, which workflows must not reach
	)
	switch {
	case errors.Is(err, schema.ErrOvertaken):
		kind, message = "overtaken", schema.ErrOvertaken.Error()
	case errors.As(err, &letter):
		kind, message = "mail", letter.Error()
		options.NonRetryable, options.NextRetryDelay = letter.Permanent, letter.RetryAfter
	case errors.As(err, &known):
		kind, message = string(known.Kind), known.Message
		options.NonRetryable, options.NextRetryDelay = final(known.Kind), pace(ctx, known)
	case errors.As(err, &refusal):
		kind, message = "database", "the database refused with SQLSTATE "+refusal.SQLState()
	case errors.Is(err, context.DeadlineExceeded):
		kind, message = "timeout", "it took too long"
	case errors.Is(err, errDamaged):
		kind, message = "storage", errDamaged.Error()
		options.NonRetryable = true // it will not be otherwise for being read again
	case errors.As(err, &stored):
		kind, message = "storage", stored.Told()
	}
	if options.NonRetryable && !errors.Is(err, errDamaged) {
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	activity.GetLogger(ctx).Warn("activity did not succeed", "kind", kind, "err", err)
	return temporal.NewApplicationErrorWithOptions(message, kind, options)
}

// unhurried leaves it to the caller's policy when to try again: one that allows
// a number of attempts counts on its own pauses between them.
func unhurried(err error) error {
	if known, ok := errors.AsType[*schema.Error](err); ok && known.RetryAfter > 0 {
		return &schema.Error{Kind: known.Kind, Code: known.Code, Message: known.Message, Cause: known.Cause}
	}
	return err
}

// longestPace is how far apart attempts come to lie while a part is away.
const longestPace = time.Minute

// pace is when to try again. A part of ours that is away for a moment costs a
// moment; while it stays away the attempts lie further and further apart, and
// not all of them come in the same second. Others are asked when they say.
func pace(ctx context.Context, e *schema.Error) time.Duration {
	if e.Code != schema.CodeDatabaseUnavailable && e.Code != schema.CodeStorageUnavailable {
		return e.RetryAfter
	}
	doubled := min(max(activity.GetInfo(ctx).Attempt-1, 0), 6)
	delay := min(e.RetryAfter<<doubled, max(longestPace, e.RetryAfter))
	return delay - rand.N(delay/4+1) //nolint:gosec // nobody gains by guessing it
}

// final tells whether trying again cannot change the answer.
func final(k schema.Kind) bool {
	switch k {
	case schema.Invalid, schema.NotFound, schema.Forbidden, schema.Conflict, schema.Gone:
		return true
	}
	return false
}
