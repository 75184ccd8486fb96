package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Error says why a mail was not sent and what can be done about it. Its text
// holds an HTTP status and our own words: it may stand in logs and histories.
type Error struct {
	Status     int           // the provider's HTTP status; 0 where there was no answer
	RetryAfter time.Duration // how long the provider asks us to wait; 0 where it does not say
	Permanent  bool          // trying again with the same message cannot help
	Duplicate  bool          // a mail with this key is already out, with another body
	Everybody  bool          // no mail leaves to anybody until the provider is content with us again

	why   string
	cause error // the caller's context's error or nil: other causes name hosts
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return "send mail: " + e.why
	}
	return fmt.Sprintf("send mail: the provider answered %d: %s", e.Status, e.why)
}

func (e *Error) Unwrap() error { return e.cause }

// refused is the verdict on a message that is not worth sending.
func refused(why string) *Error { return &Error{Permanent: true, why: why} }

// unanswered is the verdict on a request that brought no answer. The mail may
// be out all the same; the Idempotency-Key makes it safe to try again. Where
// the caller's own context has ended, the error unwraps to that.
func unanswered(ctx context.Context, err error) *Error {
	e := &Error{why: "no answer from the provider", cause: ctx.Err()}
	var network net.Error
	switch {
	case errors.Is(e.cause, context.Canceled):
		e.why = "stopped before the provider answered"
	case e.cause != nil, errors.As(err, &network) && network.Timeout():
		e.why = "the provider did not answer in time"
	}
	return e
}

// verdict is what an answer other than success means for the message.
func verdict(a answer) *Error {
	e := &Error{Status: a.status, RetryAfter: a.retryAfter}
	switch {
	case a.status == http.StatusConflict && a.name == "concurrent_idempotent_requests":
		e.why = "the same mail is being sent right now"
	case a.status == http.StatusConflict:
		// The provider remembers a key for a day together with the body it came
		// with. Another body under the same key means that the first one was
		// accepted, and that a name, an address or our own words have changed
		// since. It answers so for as long as it remembers: the recipient has
		// the mail, and this version of it will never leave.
		e.why, e.Permanent, e.Duplicate = "a mail with this key and another body was accepted before", true, true
	case a.status == http.StatusTooManyRequests:
		e.why, e.Everybody = "too many mails, or the quota is used up", true
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.name == "invalid_from_address":
		// Somebody will mend the settings, and the mail is still worth sending then.
		e.why, e.Everybody = "the API key or the sender is not accepted", true
	case a.status == http.StatusUnprocessableEntity, a.status == http.StatusBadRequest:
		e.why, e.Permanent = "the message is not accepted", true
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly:
		e.why = "the request came too slowly or too early"
	case a.status >= 500:
		e.why = "it has trouble of its own"
	case a.status >= 300:
		e.why, e.Everybody = "RESEND_BASE_URL is not an address that takes mail", true
	default:
		// A success whose body cannot be read. Asked again with the same key,
		// the provider repeats its first answer and sends nothing twice.
		e.why = "but what it said cannot be understood"
	}
	if knownNames[a.name] {
		e.why += " (" + a.name + ")"
	}
	return e
}

// knownNames are the provider's names for its errors, as far as they help the
// person who reads our log. A name that is not here is not repeated.
var knownNames = map[string]bool{
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
