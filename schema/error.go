package schema

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies an error by what the caller can do about it.
type Kind string

// server/respond maps each kind to one HTTP status, and activities/errors.go to
// retry or stop.
const (
	Invalid         Kind = "invalid"         // the caller can correct the request
	Unauthenticated Kind = "unauthenticated" // no valid credentials
	NotFound        Kind = "not_found"       // it does not exist, or not for this caller
	Forbidden       Kind = "forbidden"       // known caller, not allowed
	Conflict        Kind = "conflict"        // not in the current status
	Gone            Kind = "gone"            // it existed and was deleted for good
	Limited         Kind = "limited"         // over a limit
	Unavailable     Kind = "unavailable"     // a dependency does not answer: retry
	Unreadable      Kind = "unreadable"      // the platform's records cannot be read until an operator changes something
)

// Error is an error that a caller can act on. Message is a public sentence
// without personal data. Code is stable; see the Code constants.
type Error struct {
	Kind       Kind
	Code       string
	Message    string
	RetryAfter time.Duration // with Limited and Unavailable
	Cause      error         // for the log, never for the caller
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf returns an Error with a stable code and a public sentence.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of the first Error in err's chain, or "" if there is
// none: such an error is internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
