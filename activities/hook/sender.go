package hook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"satchel/schema"
)

const (
	requestTimeout = 15 * time.Second
	maxResponse    = 64 << 10 // of the headers, and of the body
	maxRetryAfter  = time.Hour
)

// Sender delivers webhooks. It is safe for concurrent use.
type Sender struct {
	guard     *ssrf.Guardian
	http      *http.Client
	allowHTTP bool
	timeout   time.Duration // of a whole request
}

// New returns a Sender, or an error that names the invalid setting.
func New(c Config) (*Sender, error) { return newSender(c, nil, requestTimeout) }

// newSender trusts the system's certificate authorities if roots is nil.
func newSender(c Config, roots *x509.CertPool, timeout time.Duration) (*Sender, error) {
	v4, v6, err := c.allowedPrefixes()
	if err != nil {
		return nil, err
	}
	s := &Sender{allowHTTP: c.AllowHTTP, timeout: timeout}
	s.guard = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	s.http = &http.Client{
		Transport: &http.Transport{ // no Proxy: a proxy would dial instead of us and bypass the guard
			DialContext:            (&net.Dialer{Control: s.guard.Safe}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true, // events are rare, so connections would not be reused
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxResponse,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// Deliver sends one signed request with the parameters, POST or GET, and returns the
// attempt's log entry. The error is nil if the receiver accepted it, of kind Invalid if
// no retry can succeed, otherwise of kind Unavailable.
func (s *Sender) Deliver(ctx context.Context, to schema.Hook, token string, key []byte, params url.Values) (schema.EventTry, error) {
	try := schema.EventTry{At: time.Now().UTC()}
	requestCtx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := s.newRequest(requestCtx, to, token, key, params)
	if err != nil {
		try.Outcome = "not an address that can be called"
		return try, err
	}
	resp, err := s.http.Do(req)
	try.Took = time.Since(try.At).Milliseconds()
	if err != nil {
		try.Outcome = failureOutcome(requestCtx, err)
		// The cause would name the host; only the error of the caller's context is kept.
		return try, &schema.Error{Kind: schema.Unavailable, Code: schema.CodeWebhookUnanswered, Message: "The webhook was not delivered: " + try.Outcome + ".", Cause: ctx.Err()}
	}
	defer resp.Body.Close() //nolint:errcheck // the rest of it is not needed
	try.HTTPStatus = resp.StatusCode
	_, _ = io.CopyN(io.Discard, resp.Body, maxResponse) // only the status counts
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		try.Outcome = string(schema.EventDelivered)
		return try, nil
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		try.Outcome = "redirected"
	default:
		try.Outcome = "refused with " + strconv.Itoa(resp.StatusCode)
	}
	refusal := schema.Errorf(schema.Unavailable, schema.CodeWebhookRefusing, "The webhook was not delivered: %s.", try.Outcome)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		refusal.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
	}
	return try, refusal
}

func (s *Sender) newRequest(ctx context.Context, to schema.Hook, token string, key []byte, params url.Values) (*http.Request, error) {
	requested, _, err := s.normalize(to.URL)
	if err != nil {
		return nil, err
	}
	var form url.Values
	var body io.Reader
	switch to.Method {
	case http.MethodPost:
		form, body = params, strings.NewReader(params.Encode())
	case http.MethodGet:
		requested = withQuery(requested, params)
	default:
		return nil, invalidWebhook("The webhook's method must be GET or POST.")
	}
	req, err := http.NewRequestWithContext(ctx, to.Method, requested, body)
	if err != nil {
		return nil, invalidWebhook("The webhook URL is malformed.")
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("X-Twilio-Signature", sign(key, requested, form))
	req.Header.Set("I-Twilio-Idempotency-Token", token)
	req.Header.Set("User-Agent", "Satchel/1.0")
	return req, nil
}

// failureOutcome returns the outcome of a request that got no response.
func failureOutcome(ctx context.Context, err error) string {
	var (
		network     net.Error
		dial        *net.OpError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return "address not allowed"
	case errors.Is(ctx.Err(), context.Canceled):
		return "cancelled before a response came"
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		return "timed out"
	case errors.As(err, &certificate):
		return "certificate not trusted"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "could not be reached"
	}
	return "no valid HTTP response"
}

// retryAfter parses the header's seconds or date. It returns at most an hour.
func retryAfter(header string) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil {
		wait = time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = time.Until(date)
	}
	return max(0, min(wait, maxRetryAfter))
}
