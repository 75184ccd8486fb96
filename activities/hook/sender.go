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
	wholeRequest = 15 * time.Second
	maxAnswer    = 64 << 10 // of the headers, and of the body
	maxPatience  = time.Hour
)

// Sender delivers webhooks. It may be used by many goroutines at once.
type Sender struct {
	guard *ssrf.Guardian
	http  *http.Client
	plain bool // http as well as https
	whole time.Duration
}

// New makes a Sender, or says in a sentence which setting is wrong.
func New(c Config) (*Sender, error) { return newSender(c, nil, wholeRequest) }

// newSender trusts the machine's certificate authorities where roots is nil.
func newSender(c Config, roots *x509.CertPool, whole time.Duration) (*Sender, error) {
	v4, v6, err := c.allowed()
	if err != nil {
		return nil, err
	}
	s := &Sender{plain: c.AllowHTTP, whole: whole}
	s.guard = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	s.http = &http.Client{
		Transport: &http.Transport{ // without Proxy: a proxy would dial in our place, past the guard
			DialContext:            (&net.Dialer{Control: s.guard.Safe}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true, // events are rare, and one receiver's connection is of no use to another
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// Deliver makes one signed request with the parameters, POST or GET, and
// answers what the log may know of it. The error is nil when it was delivered;
// of kind Invalid where no retry can mend it; else of kind Unavailable.
func (s *Sender) Deliver(ctx context.Context, to schema.Hook, token string, key []byte, params url.Values) (schema.EventTry, error) {
	try := schema.EventTry{At: time.Now().UTC()}
	whole, cancel := context.WithTimeout(ctx, s.whole)
	defer cancel()
	req, err := s.request(whole, to, token, key, params)
	if err != nil {
		try.Outcome = "not an address that can be called"
		return try, err
	}
	resp, err := s.http.Do(req)
	try.Took = time.Since(try.At).Milliseconds()
	if err != nil {
		try.Outcome = unanswered(whole, err)
		// The cause would name the host; only the caller's own end is told.
		return try, &schema.Error{Kind: schema.Unavailable, Code: schema.CodeWebhookUnanswered, Message: "The webhook was not delivered: " + try.Outcome + ".", Cause: ctx.Err()}
	}
	defer resp.Body.Close() //nolint:errcheck // nothing more is wanted of it
	try.HTTPStatus = resp.StatusCode
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // the status is the answer, whatever comes behind it
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		try.Outcome = string(schema.EventDelivered)
		return try, nil
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		try.Outcome = "redirected"
	default:
		try.Outcome = "refused with " + strconv.Itoa(resp.StatusCode)
	}
	trouble := schema.Errorf(schema.Unavailable, schema.CodeWebhookRefusing, "The webhook was not delivered: %s.", try.Outcome)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		trouble.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
	}
	return try, trouble
}

func (s *Sender) request(ctx context.Context, to schema.Hook, token string, key []byte, params url.Values) (*http.Request, error) {
	requested, _, err := s.target(to.URL)
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
		return nil, refused("The webhook's method is neither GET nor POST.")
	}
	req, err := http.NewRequestWithContext(ctx, to.Method, requested, body)
	if err != nil {
		return nil, refused("The webhook URL cannot be read.")
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("X-Twilio-Signature", sign(key, requested, form))
	req.Header.Set("I-Twilio-Idempotency-Token", token)
	req.Header.Set("User-Agent", "Satchel/1.0")
	return req, nil
}

// unanswered says in a few words why there was no answer.
func unanswered(ctx context.Context, err error) string {
	var (
		network     net.Error
		dial        *net.OpError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return "address not allowed"
	case errors.Is(ctx.Err(), context.Canceled):
		return "stopped before an answer came"
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		return "took too long"
	case errors.As(err, &certificate):
		return "certificate not trusted"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "could not be reached"
	}
	return "gave no proper answer"
}

// retryAfter reads the header's seconds or date, and waits an hour at most.
func retryAfter(header string) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil {
		wait = time.Duration(min(seconds, uint64(maxPatience/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = time.Until(date)
	}
	return max(0, min(wait, maxPatience))
}
