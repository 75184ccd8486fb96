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

// Errors that callers test for with errors.Is.
var (
	// ErrExists means that an object with this key exists; it was not changed.
	ErrExists = errors.New("the object already exists")
	// ErrNotFound means that no object has this key.
	ErrNotFound error = notFound("no such object")
	// ErrUnreadable means that the bytes cannot be decrypted: the key is wrong,
	// they belong to another object, account or purpose, or they were altered.
	ErrUnreadable error = unreadable("cannot be decrypted: wrong key, wrong object, or altered")
)

// callError is a failed call to S3 or KMS: the operation, and the service's code or
// the network's error. It holds nothing of the request.
type callError struct {
	op    string
	code  string // "" without a response
	cause error  // a sentinel, a context's error or the network's; nil if the code is enough

	refusal string // see Refusal
}

func (e *callError) Error() string {
	switch {
	case e.code == "":
		return fmt.Sprintf("vault: %s: %v", e.op, e.cause)
	case e.cause == nil && e.refusal != "":
		return fmt.Sprintf("vault: %s: %s. %s", e.op, e.code, e.refusal)
	case e.cause == nil:
		return fmt.Sprintf("vault: %s: %s", e.op, e.code)
	}
	return fmt.Sprintf("vault: %s: %v (%s)", e.op, e.cause, e.code)
}

func (e *callError) Unwrap() error { return e.cause }

// SafeMessage returns a text that is safe to store in workflow histories: the
// operation, and the service's code or our own reason. It holds no text of the
// network, the SDK or the caller.
func (e *callError) SafeMessage() string {
	switch {
	case e.code != "":
		return "vault: " + e.op + ": " + e.code
	case errors.Is(e.cause, ErrExists):
		return "vault: " + e.op + ": " + ErrExists.Error()
	}
	return "vault: " + e.op + " failed; see the worker's log"
}

// unreadable is the type of ErrUnreadable.
type unreadable string

func (u unreadable) Error() string { return string(u) }

// Is reports that the object is damaged.
func (u unreadable) Is(target error) bool { return target == schema.ErrDamaged }

// SafeMessage returns a text that is safe to store in workflow histories.
func (u unreadable) SafeMessage() string { return "vault: " + string(u) }

// notFound is the type of ErrNotFound.
type notFound string

func (n notFound) Error() string { return string(n) }

// Is reports that the object is damaged.
func (n notFound) Is(target error) bool { return target == schema.ErrDamaged }

// translateError turns an SDK's error into ours. It returns nil for nil.
func translateError(ctx context.Context, op string, err error) error {
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
		if e.refusal = refusalOf(op, api.ErrorCode(), status); e.refusal != "" {
			return e
		}
		switch {
		case notFoundCodes[api.ErrorCode()]:
			e.cause = ErrNotFound
		case status >= 500 || status == http.StatusTooManyRequests || transientCodes[api.ErrorCode()]:
			return unavailable(e)
		}
		return e
	}
	if e.cause = networkError(err); e.cause == nil {
		// Without a response or a network error, the SDK could not make the
		// request, for example because it has no credentials.
		e.cause = errors.New(redactURLs(err.Error()))
		return e
	}
	return unavailable(e)
}

// notFoundCodes are the error codes that say that there is no such object, version or
// upload. Other responses with status 404, such as a proxy's, do not say that.
var notFoundCodes = map[string]bool{"NoSuchKey": true, "NoSuchUpload": true, "NoSuchVersion": true, "NotFound": true}

// transientCodes are error codes with a status below 500 that are worth a retry.
var transientCodes = map[string]bool{
	"ConditionalRequestConflict": true,
	"RequestTimeout":             true,
	"SlowDown":                   true,
	"ThrottlingException":        true,
	"Throttling":                 true,
	"OperationAborted":           true,
}

func unavailable(cause error) error {
	return &schema.Error{
		Kind: schema.Unavailable, Code: schema.CodeStorageUnavailable, Message: "Storage is not responding. Please try again shortly.",
		RetryAfter: 10 * time.Second, Cause: cause,
	}
}

// statusOf returns the HTTP status of the response inside err, or 0.
func statusOf(err error) int {
	if res, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return res.HTTPStatusCode()
	}
	return 0
}

// networkError returns the error below HTTP, without the URL that the HTTP client
// and the SDK add to it, or nil if err has none.
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

func redactURLs(s string) string { return anyURL.ReplaceAllString(s, "…") }
