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
	requestTimeout        = 30 * time.Second
	responseHeaderTimeout = 20 * time.Second
	maxResponse           = 64 << 10 // Resend's responses are a few hundred bytes
	maxRetryAfter         = time.Hour
)

var errResponseTooLong = errors.New("response too long")

// responseInfo holds what the client library drops from a response. The transport
// fills in the one in the request's context.
type responseInfo struct {
	status     int
	name       string // the provider's name for the error
	retryAfter time.Duration
}

type responseInfoKey struct{}

func withResponseInfo(ctx context.Context, info *responseInfo) context.Context {
	return context.WithValue(ctx, responseInfoKey{}, info)
}

// transport records the response's status and limits its length. It also gives the
// request a body that can be sent again: with that and an Idempotency-Key, net/http
// itself retries a request whose connection was just closed.
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
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or is too long to be used
	info, ok := req.Context().Value(responseInfoKey{}).(*responseInfo)
	if !ok {
		info = new(responseInfo)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, err // a response that stops half way is none
	}
	info.status, info.retryAfter = resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"))
	if len(raw) > maxResponse {
		return nil, errResponseTooLong
	}
	info.name = errorName(raw)
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}

// errorName returns the name in the provider's error, or "".
func errorName(raw []byte) string {
	var e struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return ""
	}
	return e.Name
}

// retryAfter parses the header's seconds or date. It returns at most an hour: if a
// quota is exceeded until tomorrow, we try again earlier.
func retryAfter(header string) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseFloat(header, 64); err == nil {
		wait = time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	} else if date, err := http.ParseTime(header); err == nil {
		wait = time.Until(date)
	}
	return max(0, min(wait, maxRetryAfter))
}

// newHTTPClient returns a client with our timeouts and limits. It follows no redirect,
// so that emails are sent to the configured address only.
func newHTTPClient(timeout, headerTimeout time.Duration) *http.Client {
	base := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  headerTimeout,
		MaxResponseHeaderBytes: maxResponse,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second,
	}
	return &http.Client{
		Transport:     transport{base: base},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
