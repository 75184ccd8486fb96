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

// StorageErrorType is the type of errors of storage, and of the keys of what is stored.
const StorageErrorType = "storage"

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
		refused *refusedError
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
		kind, message = "database", "the database answered with "+conditionOf(sql)
	case errors.Is(err, context.DeadlineExceeded):
		kind, message = "timeout", "it took too long"
	case errors.Is(err, errRewrite):
		kind, message = StorageErrorType, errRewrite.Error()
	case errors.Is(err, ErrCorrupted):
		kind, message = StorageErrorType, ErrCorrupted.Error()
		options.NonRetryable = true // reading it again cannot help
		if damage, ok := errors.AsType[*DamageError](err); ok {
			options.Details = []any{damage.DamagedObject}
		}
	case errors.As(err, &refused):
		kind, message = StorageErrorType, refused.sentence
		options.NonRetryable, options.NextRetryDelay = refused.final, refusalRetryDelay
	case errors.As(err, &storage):
		kind, message = StorageErrorType, storage.SafeMessage()
	}
	if options.NonRetryable && kind != StorageErrorType && kind != string(schema.Unreadable) {
		options.Category = temporal.ApplicationErrorCategoryBenign
	}
	activity.GetLogger(ctx).Warn("activity failed", "kind", kind, "err", err)
	return temporal.NewApplicationErrorWithOptions(message, kind, options)
}

// conditionOf returns the SQLSTATE and, where it is known, the object of which the
// database said it.
func conditionOf(sql interface{ SQLState() string }) string {
	if e, ok := sql.(interface{ Condition() string }); ok {
		return e.Condition()
	}
	return "SQLSTATE " + sql.SQLState()
}

// finalError is an answer of the platform's database. Package sqlstate has it.
type finalError interface {
	error
	IsFinal() bool
	Condition() string
}

// finalAsUnreadable makes an answer of the platform's database that every further attempt
// would get as well final.
func finalAsUnreadable(what string, err error) error {
	answer, ok := errors.AsType[finalError](err)
	if !ok || !answer.IsFinal() || schema.KindOf(err) != "" {
		return err
	}
	return &schema.Error{
		Kind: schema.Unreadable, Code: schema.CodeUnreadable, Cause: err,
		Message: "The " + what + " cannot be read: " + answer.Condition(),
	}
}

// RetryUnreadable makes schema.Unreadable retryable, for what cannot be requested again:
// an operator may mend it in time.
func RetryUnreadable(err error) error {
	if known, ok := errors.AsType[*schema.Error](err); ok && known.Kind == schema.Unreadable {
		return &schema.Error{Kind: schema.Unavailable, Code: known.Code, Message: known.Message, Cause: known.Cause}
	}
	return err
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
	case schema.Invalid, schema.NotFound, schema.Forbidden, schema.Conflict, schema.Gone, schema.Unreadable:
		return true
	}
	return false
}
