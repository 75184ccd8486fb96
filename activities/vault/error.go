package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"satchel/schema"
)

// What a caller can recognise with errors.Is.
var (
	// ErrExists: an object with this key is there already; it was left alone.
	ErrExists = errors.New("the object is there already")
	// ErrNotFound: there is no object with this key.
	ErrNotFound = errors.New("no such object")
	// ErrUnreadable: the sealed bytes do not open. The key is wrong, they
	// belong to another object, account or purpose, or they were altered.
	ErrUnreadable error = unreadable("the seal does not open: wrong key, wrong place, or altered")
)

// callError is a call to S3 or KMS that went wrong: the operation, and the
// service's code or what the network said. Nothing of the request is in it.
type callError struct {
	op    string
	code  string // "" where no answer came
	cause error  // a sentinel, a context's error or the network's; nil where the code says it all
}

func (e *callError) Error() string {
	switch {
	case e.code == "":
		return fmt.Sprintf("vault: %s: %v", e.op, e.cause)
	case e.cause == nil:
		return fmt.Sprintf("vault: %s: %s", e.op, e.code)
	}
	return fmt.Sprintf("vault: %s: %v (%s)", e.op, e.cause, e.code)
}

func (e *callError) Unwrap() error { return e.cause }

// Told is what anybody may read of the error: the operation, and the service's
// code or what of ours it is. What a network, an SDK or a caller said is not in it.
func (e *callError) Told() string {
	switch {
	case e.code != "":
		return "vault: " + e.op + ": " + e.code
	case errors.Is(e.cause, ErrExists):
		return "vault: " + e.op + ": " + ErrExists.Error()
	}
	return "vault: " + e.op + " did not succeed; the worker's log says why"
}

// unreadable is the type of ErrUnreadable.
type unreadable string

func (u unreadable) Error() string { return string(u) }

// Told is what anybody may read of it.
func (u unreadable) Told() string { return "vault: " + string(u) }

// failed turns an SDK's error into ours: nil stays nil.
func failed(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return &callError{op: op, cause: ctx.Err()}
	}
	e := &callError{op: op}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		status := statusOf(err)
		e.code = fmt.Sprintf("%s, HTTP %d", api.ErrorCode(), status)
		switch {
		case api.ErrorCode() == "NoSuchBucket":
		case status == http.StatusNotFound:
			e.cause = ErrNotFound
		case status >= 500 || status == http.StatusTooManyRequests || passing[api.ErrorCode()]:
			return away(e)
		}
		return e
	}
	if e.cause = networkError(err); e.cause == nil {
		// Neither the service nor the network spoke: the SDK could not make
		// the request, as without credentials.
		e.cause = errors.New(withoutURLs(err.Error()))
		return e
	}
	return away(e)
}

// passing are codes below 500 that another try may not meet.
var passing = map[string]bool{
	"ConditionalRequestConflict": true,
	"RequestTimeout":             true,
	"SlowDown":                   true,
	"ThrottlingException":        true,
	"Throttling":                 true,
	"OperationAborted":           true,
}

func away(cause error) error {
	return &schema.Error{
		Kind: schema.Unavailable, Code: schema.CodeStorageUnavailable, Message: "Storage is not answering. Please try again soon.",
		RetryAfter: 10 * time.Second, Cause: cause,
	}
}

// statusOf is the HTTP status of the answer inside err, or 0.
func statusOf(err error) int {
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return res.HTTPStatusCode()
	}
	return 0
}

// networkError is what went wrong below HTTP, without the URL that the HTTP
// client and the SDK put around it; nil where nothing did.
func networkError(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	if n, ok := errors.AsType[net.Error](err); ok {
		return n
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

var anyURL = regexp.MustCompile(`[a-z0-9+-]+://[^\s"]+`)

func withoutURLs(text string) string { return anyURL.ReplaceAllString(text, "…") }
