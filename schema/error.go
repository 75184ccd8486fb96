package schema

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what a caller can do about an error.
type Kind string

// Each kind has one HTTP status and one retry verdict; see the tables in
// server/api and activities.
const (
	Invalid         Kind = "invalid"         // the caller can mend the request
	Unauthenticated Kind = "unauthenticated" // we do not know who is asking
	NotFound        Kind = "not_found"       // there is no such thing, or not for this caller
	Forbidden       Kind = "forbidden"       // known caller, not allowed
	Conflict        Kind = "conflict"        // not now, or not any more
	Gone            Kind = "gone"            // it was there and never will be again
	Limited         Kind = "limited"         // too often
	Unavailable     Kind = "unavailable"     // a part we need is away: try again
)

// Error is an error the caller can act on. Message is a public sentence and
// holds no personal data; Code is stable.
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

// Errorf makes an Error with a stable code and a public sentence.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of the first Error in err's chain, or "" where there
// is none: such an error is internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
