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

// safeError is an error with a text that may stand in a history. Package vault
// returns such errors; workflows must not reach it.
type safeError interface{ SafeMessage() string }

// ToApplicationError translates an error into a temporal.ApplicationError: a
// stable type, a message of our own, and whether to retry. It is the last thing
// that an activity does. The cause is only logged: many people can read
// histories.
func ToApplicationError(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return err
	}
	kind, message := "internal", "something went wrong; the worker's log says what"
	options := temporal.ApplicationErrorOptions{}
	var (
		known   *schema.Error
		email   *mail.Error
		sql     interface{ SQLState() string }
		storage safeError
	)
	switch {
	case errors.Is(err, schema.ErrStaleAttempt):
		kind, message = "stale_attempt", schema.ErrStaleAttempt.Error()
	case errors.As(err, &email):
		kind, message = "mail", email.Error()
		options.NonRetryable, options.NextRetryDelay = email.Permanent, email.RetryAfter
	case errors.As(err, &known):
		kind, message = string(known.Kind), known.Message
		options.NonRetryable, options.NextRetryDelay = IsNonRetryable(known.Kind), retryDelay(ctx, known)
	case errors.As(err, &sql):
		kind, message = "database", "the database answered with SQLSTATE "+sql.SQLState()
	case errors.Is(err, context.DeadlineExceeded):
		kind, message = "timeout", "it took too long"
	case errors.Is(err, errRewrite):
		kind, message = "storage", errRewrite.Error()
	case errors.Is(err, ErrCorrupted):
		kind, message = "storage", ErrCorrupted.Error()
		options.NonRetryable = true // reading it again cannot help
	case errors.As(err, &storage):
		kind, message = "storage", storage.SafeMessage()
	}
	if options.NonRetryable && kind != "storage" {
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	activity.GetLogger(ctx).Warn("activity failed", "kind", kind, "err", err)
	return temporal.NewApplicationErrorWithOptions(message, kind, options)
}

// WithoutRetryDelay leaves the delay before the next attempt to the caller's
// RetryPolicy: a policy with a maximum of attempts relies on its own delays.
func WithoutRetryDelay(err error) error {
	if known, ok := errors.AsType[*schema.Error](err); ok && known.RetryAfter > 0 {
		return &schema.Error{Kind: known.Kind, Code: known.Code, Message: known.Message, Cause: known.Cause}
	}
	return err
}

// maxRetryDelay is the longest delay between attempts while the database or the
// object storage is away.
const maxRetryDelay = time.Minute

// retryDelay returns how long to wait before the next attempt. While our database
// or storage is away the delay doubles with each attempt, with jitter. Other
// services are retried after the time they ask for.
func retryDelay(ctx context.Context, e *schema.Error) time.Duration {
	if e.Code != schema.CodeDatabaseUnavailable && e.Code != schema.CodeStorageUnavailable {
		return e.RetryAfter
	}
	doubled := min(max(activity.GetInfo(ctx).Attempt-1, 0), 6)
	delay := min(e.RetryAfter<<doubled, max(maxRetryDelay, e.RetryAfter))
	return delay - rand.N(delay/4+1) //nolint:gosec // jitter need not be unpredictable
}

// IsNonRetryable tells whether another attempt cannot succeed.
func IsNonRetryable(k schema.Kind) bool {
	switch k {
	case schema.Invalid, schema.NotFound, schema.Forbidden, schema.Conflict, schema.Gone:
		return true
	}
	return false
}
