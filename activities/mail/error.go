package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Error says why an email was not sent and whether a retry can help. Its text holds
// only an HTTP status and our own words, so logs and histories may contain it.
type Error struct {
	Status     int           // the provider's HTTP status; 0 without a response
	RetryAfter time.Duration // how long the provider asks us to wait; 0 if it does not say
	Permanent  bool          // a retry of the same message cannot help
	Duplicate  bool          // an email with this key was accepted before, with another body
	Everybody  bool          // the provider accepts no email of ours at the moment, to any recipient

	reason string
	cause  error // the error of the caller's context or nil: other causes name hosts
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return "send email: " + e.reason
	}
	return fmt.Sprintf("send email: the provider returned %d: %s", e.Status, e.reason)
}

func (e *Error) Unwrap() error { return e.cause }

// permanentError returns the error for a message that cannot be sent.
func permanentError(reason string) *Error { return &Error{Permanent: true, reason: reason} }

// noResponse returns the error for a request without a response. The email may have
// been sent all the same; the Idempotency-Key makes a retry safe. If the caller's own
// context has ended, the error unwraps to that.
func noResponse(ctx context.Context, err error) *Error {
	e := &Error{reason: "no response from the provider", cause: ctx.Err()}
	var network net.Error
	switch {
	case errors.Is(e.cause, context.Canceled):
		e.reason = "cancelled before the provider responded"
	case e.cause != nil, errors.As(err, &network) && network.Timeout():
		e.reason = "the provider did not respond in time"
	}
	return e
}

// classify returns the error for a response other than success.
func classify(r responseInfo) *Error {
	e := &Error{Status: r.status, RetryAfter: r.retryAfter}
	switch {
	case r.status == http.StatusConflict && r.name == "concurrent_idempotent_requests":
		e.reason = "the same email is being sent right now"
	case r.status == http.StatusConflict:
		// The provider stores each key with its body for a day. Another body
		// under the same key means that the first one was accepted, and that a
		// name, an address or our wording has changed since. It repeats this
		// response for as long as it stores the key: the recipient has the
		// email, and this version will never be sent.
		e.reason, e.Permanent, e.Duplicate = "an email with this key and another body was accepted before", true, true
	case r.status == http.StatusTooManyRequests:
		e.reason, e.Everybody = "too many emails, or the quota is used up", true
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden, r.name == "invalid_from_address":
		// Once the settings are corrected, the email can still be sent.
		e.reason, e.Everybody = "the API key or the sender is not accepted", true
	case r.status == http.StatusUnprocessableEntity, r.status == http.StatusBadRequest:
		e.reason, e.Permanent = "the message is not accepted", true
	case r.status == http.StatusRequestTimeout, r.status == http.StatusTooEarly:
		e.reason = "the request was too slow or too early"
	case r.status >= 500:
		e.reason = "it has an internal error"
	case r.status >= 300:
		e.reason, e.Everybody = "RESEND_BASE_URL is not the URL of an email API", true
	default:
		// A success whose body cannot be read. For a retry with the same key,
		// the provider repeats its first response and sends nothing twice.
		e.reason = "its response cannot be understood"
	}
	if loggedNames[r.name] {
		e.reason += " (" + r.name + ")"
	}
	return e
}

// loggedNames are the provider's error names that may appear in logs. Other names are
// not repeated.
var loggedNames = map[string]bool{
	"application_error":              true,
	"concurrent_idempotent_requests": true,
	"daily_quota_exceeded":           true,
	"internal_server_error":          true,
	"invalid_access":                 true,
	"invalid_api_key":                true,
	"invalid_from_address":           true,
	"invalid_idempotency_key":        true,
	"invalid_idempotent_request":     true,
	"invalid_parameter":              true,
	"method_not_allowed":             true,
	"missing_api_key":                true,
	"missing_required_field":         true,
	"monthly_quota_exceeded":         true,
	"not_found":                      true,
	"rate_limit_exceeded":            true,
	"restricted_api_key":             true,
	"security_error":                 true,
	"validation_error":               true,
}
