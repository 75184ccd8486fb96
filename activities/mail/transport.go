package mail

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	wholeRequest = 30 * time.Second
	firstByte    = 20 * time.Second
	maxAnswer    = 64 << 10 // Resend's answers are a few hundred bytes
	maxPatience  = time.Hour
)

var errTooLong = errors.New("answer too long")

// answer is what the library forgets about a response. Its transport fills in
// the one found in the request's context.
type answer struct {
	status     int
	name       string // the provider's name for the error
	retryAfter time.Duration
}

type answerKey struct{}

func withAnswer(ctx context.Context, a *answer) context.Context {
	return context.WithValue(ctx, answerKey{}, a)
}

// transport keeps the answer's status and bounds its length. It also gives the
// request a body that can be sent again: with that and an Idempotency-Key,
// net/http repeats by itself a request that met a connection just closed.
type transport struct{ base http.RoundTripper }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or is too long
	a, ok := req.Context().Value(answerKey{}).(*answer)
	if !ok {
		a = new(answer)
	}
	a.status, a.retryAfter = resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxAnswer {
		return nil, errTooLong
	}
	a.name = errorName(raw)
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}

func errorName(raw []byte) string {
	var e struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return ""
	}
	return e.Name
}

// retryAfter reads the header's seconds or date. It is never longer than an
// hour: a quota that comes back tomorrow is asked about again before that.
func retryAfter(header string) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseFloat(header, 64); err == nil {
		wait = time.Duration(min(seconds, maxPatience.Seconds()) * float64(time.Second))
	} else if date, err := http.ParseTime(header); err == nil {
		wait = time.Until(date)
	}
	return max(0, min(wait, maxPatience))
}

// newHTTPClient keeps to our limits, and follows no redirect: a mail goes to
// the configured address or nowhere.
func newHTTPClient(whole, first time.Duration) *http.Client {
	base := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  first,
		MaxResponseHeaderBytes: maxAnswer,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second,
	}
	return &http.Client{
		Transport:     transport{base: base},
		Timeout:       whole,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
