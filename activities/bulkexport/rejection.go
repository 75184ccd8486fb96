package bulkexport

import (
	"errors"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// Rejection says why a request was rejected. It is a result and no error, since no
// retry can change it and the caller waits for it. The zero Rejection is none.
type Rejection struct {
	Kind       schema.Kind
	Code       string
	Message    string
	RetryAfter time.Duration
}

// Err is the rejection as an error, nil for none.
func (r Rejection) Err() error {
	if r.Kind == "" {
		return nil
	}
	err := schema.Errorf(r.Kind, r.Code, "%s", r.Message)
	err.RetryAfter = r.RetryAfter
	return err
}

// splitRejection separates a rejection from errors that are worth a retry.
func splitRejection(err error) (Rejection, error) {
	if e, ok := errors.AsType[*schema.Error](err); ok &&
		(e.Kind == schema.Limited || e.Code == schema.CodeTooLate || activities.IsNonRetryable(e.Kind)) {
		return Rejection{e.Kind, e.Code, e.Message, e.RetryAfter}, nil
	}
	return Rejection{}, err
}
