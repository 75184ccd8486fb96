package hook

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/client"

	"satchel/schema"
)

const token = "7e0fbd1c-5b4c-4a5e-8b39-3c4b8f5f2f01"

// proxied counts the requests to a proxy that the environment configures for all tests.
var proxied atomic.Int64

func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		if err := os.Setenv(name, proxy.URL); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	proxy.Close()
	os.Exit(code)
}

// call is one request as the receiver got it.
type call struct {
	method, url, body string
	header            http.Header
}

// receiver is a customer's server. It records its requests.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
}

func newReceiver(t *testing.T, start func(http.Handler) *httptest.Server, respond http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = start(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		scheme := "http://"
		if req.TLS != nil {
			scheme = "https://"
		}
		r.mu.Lock()
		r.calls = append(r.calls, call{req.Method, scheme + req.Host + req.RequestURI, string(body), req.Header})
		r.mu.Unlock()
		respond(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) received() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

func accept(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

var allowLoopback = Config{Allow: []string{"127.0.0.0/8", "::1/128"}, AllowHTTP: true}

func deliver(ctx context.Context, s *Sender, method, address string) (schema.EventTry, error) {
	return s.Deliver(ctx, schema.Hook{URL: address, Method: method}, token, []byte(vectorKey), vectorParams())
}

func TestReceiversCanVerifyTheSignature(t *testing.T) {
	validator := twilio.NewRequestValidator(vectorKey)
	otherKey := twilio.NewRequestValidator("another token")
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		r := newReceiver(t, start, accept)
		roots := x509.NewCertPool()
		if r.Certificate() != nil {
			roots.AddCert(r.Certificate())
		}
		s, err := newSender(allowLoopback, roots, requestTimeout)
		require.NoError(t, err)
		for _, rest := range []string{"", "/", "?x=1", "/?", "/bulk", "/bulk?x=1&", "//a/./b/../c%2Fd%7E~;v=1?x=%7e+%20&&y=[1]&x=1?/"} {
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				before := time.Now()
				try, err := deliver(t.Context(), s, method, r.URL+rest)
				require.NoError(t, err, rest)
				require.Equal(t, "delivered", try.Outcome)
				require.Equal(t, http.StatusNoContent, try.HTTPStatus)
				require.WithinRange(t, try.At, before, time.Now())
				calls := r.received()
				got := calls[len(calls)-1]
				require.Equal(t, method, got.method)
				written := r.URL + rest
				if !strings.HasPrefix(rest, "/") {
					written = r.URL + "/" + rest
				}
				signature := got.header.Get("X-Twilio-Signature")
				if method == http.MethodPost {
					require.Equal(t, written, got.url, "%s: as the customer wrote it", name)
					require.Equal(t, "application/x-www-form-urlencoded", got.header.Get("Content-Type"))
					require.True(t, validator.ValidateBody(got.url, []byte(got.body), signature), got.url)
					require.False(t, otherKey.ValidateBody(got.url, []byte(got.body), signature))
					sent, err := url.ParseQuery(got.body)
					require.NoError(t, err)
					require.Equal(t, vectorParams(), sent)
				} else {
					require.True(t, strings.HasPrefix(got.url, written), "%s: as the customer wrote it", name)
					require.True(t, strings.HasSuffix(got.url, vectorParams().Encode()))
					require.Empty(t, got.body)
					require.True(t, validator.Validate(got.url, nil, signature), got.url)
					require.False(t, otherKey.Validate(got.url, nil, signature))
				}
				require.Equal(t, token, got.header.Get("I-Twilio-Idempotency-Token"))
				require.Equal(t, "Satchel/1.0", got.header.Get("User-Agent"))
			}
		}
		require.Len(t, r.received(), 14, "each once")
	}
}

// requireFailure checks that a failed attempt has this outcome and reveals nothing
// private.
func requireFailure(t *testing.T, try schema.EventTry, err error, outcome string) *schema.Error {
	t.Helper()
	var e *schema.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, outcome, try.Outcome)
	if e.Kind == schema.Unavailable {
		require.Equal(t, "The webhook was not delivered: "+outcome+".", e.Message)
	}
	for _, private := range []string{"seekrit", "127.0.0.1", "localhost", vectorKey, "fils", "ACaaa", "JSbbb", token} {
		require.NotContains(t, err.Error()+try.Outcome, private)
	}
	return e
}

func TestRefusalsAreTemporaryAndLoggedInOurWords(t *testing.T) {
	for status, want := range map[int]struct {
		outcome string
		header  string
		wait    time.Duration
	}{
		http.StatusBadRequest:          {"refused with 400", "7", 0},
		http.StatusGone:                {"refused with 410", "", 0},
		http.StatusInternalServerError: {"refused with 500", "7", 0},
		http.StatusServiceUnavailable:  {"refused with 503", "120", 2 * time.Minute},
		http.StatusTooManyRequests:     {"refused with 429", "86400", time.Hour},
	} {
		r := newReceiver(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", want.header)
			w.WriteHeader(status)
			io.WriteString(w, "seekrit") //nolint:errcheck // the caller may have gone
		})
		try, err := deliver(t.Context(), sender(t, allowLoopback), http.MethodPost, r.URL+"/seekrit")
		e := requireFailure(t, try, err, want.outcome)
		require.Equal(t, schema.Unavailable, e.Kind, "a later attempt may succeed")
		require.Equal(t, want.wait, e.RetryAfter)
		require.Equal(t, status, try.HTTPStatus)
		require.Len(t, r.received(), 1)
	}
}

func TestRetryAfterIsCappedAtAnHour(t *testing.T) {
	require.Equal(t, time.Hour, retryAfter("Fri, 01 Jan 2100 00:00:00 GMT"))
	require.Zero(t, retryAfter("Fri, 01 Jan 2010 00:00:00 GMT"))
	require.InDelta(t, time.Minute, retryAfter(time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)), float64(2*time.Second))
	require.Equal(t, time.Hour, retryAfter("18446744073709551615"))
	for _, odd := range []string{"", "-1", "soon", "1e9", "99999999999999999999999"} {
		require.Zero(t, retryAfter(odd), odd)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	target := newReceiver(t, httptest.NewServer, accept)
	for _, status := range []int{301, 302, 303, 307, 308, 300} {
		r := newReceiver(t, httptest.NewServer, func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, target.URL+"/seekrit", status)
		})
		try, err := deliver(t.Context(), sender(t, allowLoopback), http.MethodPost, r.URL)
		require.Equal(t, schema.Unavailable, requireFailure(t, try, err, "redirected").Kind)
		require.Equal(t, status, try.HTTPStatus)
	}
	require.Empty(t, target.received())
}

// The address is checked when it is dialled, whatever name resolved to it.
func TestNamesThatResolveToPrivateAddressesAreRejected(t *testing.T) {
	r := newReceiver(t, httptest.NewServer, accept)
	_, port, err := net.SplitHostPort(r.Listener.Addr().String())
	require.NoError(t, err)
	closed := Config{AllowHTTP: true}
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		address := "http://" + host + ":" + port + "/seekrit"
		try, err := deliver(t.Context(), sender(t, closed), http.MethodPost, address)
		require.Equal(t, schema.Unavailable, requireFailure(t, try, err, "address not allowed").Kind, "DNS may change, so it is retried")
		require.Zero(t, try.HTTPStatus)
	}
	require.Empty(t, r.received())
	_, err = deliver(t.Context(), sender(t, allowLoopback), http.MethodPost, "http://localhost:"+port)
	require.NoError(t, err, "the allow-list permits it")
	require.Len(t, r.received(), 1)
}

func TestNoProxyIsUsed(t *testing.T) {
	require.NotEmpty(t, os.Getenv("HTTP_PROXY"))
	s, err := newSender(allowLoopback, nil, requestTimeout)
	require.NoError(t, err)
	_, err = deliver(t.Context(), s, http.MethodPost, "http://seekrit.invalid/")
	require.Error(t, err)
	require.Zero(t, proxied.Load())
}

func TestAReceiverWithAnUntrustedCertificateGetsNoRequest(t *testing.T) {
	r := newReceiver(t, func(h http.Handler) *httptest.Server {
		server := httptest.NewUnstartedServer(h)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		return server
	}, accept)
	try, err := deliver(t.Context(), sender(t, allowLoopback), http.MethodPost, r.URL+"/seekrit")
	require.Equal(t, schema.Unavailable, requireFailure(t, try, err, "certificate not trusted").Kind)
	require.Empty(t, r.received())
}

func TestASlowReceiverTimesOut(t *testing.T) {
	done := make(chan struct{})
	silent := newReceiver(t, httptest.NewServer, func(http.ResponseWriter, *http.Request) { <-done })
	trickling := newReceiver(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush() //nolint:errcheck // the caller may have gone
		<-done
	})
	t.Cleanup(func() { close(done) })
	s, err := newSender(allowLoopback, nil, 300*time.Millisecond)
	require.NoError(t, err)
	try, err := deliver(t.Context(), s, http.MethodPost, silent.URL+"/seekrit")
	require.Equal(t, schema.Unavailable, requireFailure(t, try, err, "timed out").Kind)
	require.GreaterOrEqual(t, try.Took, int64(300))
	require.Nil(t, err.(*schema.Error).Cause, "the caller's context has not ended")

	try, err = deliver(t.Context(), s, http.MethodPost, trickling.URL)
	require.NoError(t, err, "the status counts, however long the body takes")
	require.Equal(t, http.StatusOK, try.HTTPStatus)
}

func TestAReceiverHas15Seconds(t *testing.T) {
	require.Equal(t, 15*time.Second, sender(t, Config{}).timeout, "as docs/configuration.md says")
}

func TestACancelledDeliveryStopsAtOnce(t *testing.T) {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	r := newReceiver(t, httptest.NewServer, func(http.ResponseWriter, *http.Request) { cancel(); <-done })
	t.Cleanup(func() { close(done) })
	try, err := deliver(ctx, sender(t, allowLoopback), http.MethodGet, r.URL)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "cancelled before a response came", try.Outcome)
}

func TestResponsesAreReadUpToALimit(t *testing.T) {
	wrote := make(chan int64, 1)
	r := newReceiver(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
		n, _ := io.Copy(w, endless{}) // until the client closes the connection
		wrote <- n
	})
	try, err := deliver(t.Context(), sender(t, allowLoopback), http.MethodPost, r.URL)
	require.NoError(t, err)
	require.Equal(t, "delivered", try.Outcome)
	require.Less(t, <-wrote, int64(64<<20), "at most what the socket buffers hold")

	long := newReceiver(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("seekrit", 1<<20))
	})
	try, err = deliver(t.Context(), sender(t, allowLoopback), http.MethodPost, long.URL)
	require.Equal(t, schema.Unavailable, requireFailure(t, try, err, "no valid HTTP response").Kind)
}

// endless is an endless reader.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAnUnreachableReceiverIsATemporaryError(t *testing.T) {
	r := newReceiver(t, httptest.NewServer, accept)
	r.Close()
	try, err := deliver(t.Context(), sender(t, allowLoopback), http.MethodPost, r.URL+"/seekrit")
	require.Equal(t, schema.Unavailable, requireFailure(t, try, err, "could not be reached").Kind)
}

func TestInvalidWebhooksArePermanentErrors(t *testing.T) {
	r := newReceiver(t, httptest.NewServer, accept)
	const outcome = "not an address that can be called"
	for _, hook := range []schema.Hook{
		{URL: "seekrit", Method: http.MethodPost},
		{URL: r.URL + "/seekrit%zz", Method: http.MethodPost},
		{URL: r.URL, Method: "PUT"},
		{URL: r.URL},
	} {
		try, err := sender(t, allowLoopback).Deliver(t.Context(), hook, token, []byte(vectorKey), vectorParams())
		e := requireFailure(t, try, err, outcome)
		require.Equal(t, schema.Invalid, e.Kind)
		require.Equal(t, "webhook_refused", e.Code)
	}
	try, err := deliver(t.Context(), sender(t, Config{Allow: allowLoopback.Allow}), http.MethodPost, r.URL)
	require.Error(t, err, "plain http")
	require.Equal(t, outcome, try.Outcome)
	require.Equal(t, schema.Invalid, schema.KindOf(err))
	require.Empty(t, r.received())
}
