package mail

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/resend/resend-go/v2"
	"github.com/stretchr/testify/require"
)

// post is one request as the provider received it.
type post struct {
	path, key, authorization, body string
	length                         int64
	mail                           struct {
		From, Subject, HTML, Text string
		To                        []string
		Headers                   map[string]string
	}
}

// provider is a fake email provider that records the requests.
type provider struct {
	*httptest.Server
	mu    sync.Mutex
	posts []post
}

func newProvider(t *testing.T, respond func(n int, w http.ResponseWriter, r *http.Request)) *provider {
	t.Helper()
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		got := post{path: r.Method + " " + r.URL.Path, key: r.Header.Get("Idempotency-Key"),
			authorization: r.Header.Get("Authorization"), body: string(body), length: r.ContentLength}
		if err := json.Unmarshal(body, &got.mail); err != nil {
			got.body = "not JSON: " + got.body
		}
		p.mu.Lock()
		p.posts = append(p.posts, got)
		n := len(p.posts)
		p.mu.Unlock()
		respond(n, w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) received() []post {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]post(nil), p.posts...)
}

func (p *provider) sender(t *testing.T) *Sender {
	t.Helper()
	s, err := New(p.config())
	require.NoError(t, err)
	return s
}

func (p *provider) config() Config {
	return Config{APIKey: "re_seekrit_key", BaseURL: p.URL, From: "Acme Data Export <exports@acme.example>"}
}

func accept(_ int, w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"id":"4ef9a417"}`) }

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, body) //nolint:errcheck // the client may have gone
}

func message() Message {
	return Message{
		To: "ada.lovelace@customer.example", Subject: "Confirm <the> export", HTML: "<p>seekrit-link</p>", Text: "seekrit-link\n",
		IdempotencyKey: "confirmation/EX00112233445566778899aabbccddeeff/1",
	}
}

func requireSendError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	for _, private := range []string{"ada", "lovelace", "customer", "seekrit", "Confirm <the>", "exports@", "127.0.0.1", "http"} {
		require.NotContains(t, err.Error(), private)
	}
	return e
}

func TestAMessageIsSentUnchanged(t *testing.T) {
	p := newProvider(t, accept)
	require.NoError(t, p.sender(t).Send(t.Context(), message()))
	got := p.received()
	require.Len(t, got, 1)
	require.Equal(t, "POST /emails", got[0].path)
	require.Equal(t, message().IdempotencyKey, got[0].key)
	require.Equal(t, "Bearer re_seekrit_key", got[0].authorization)
	require.EqualValues(t, len(got[0].body), got[0].length)
	require.Equal(t, "Acme Data Export <exports@acme.example>", got[0].mail.From)
	require.Equal(t, []string{message().To}, got[0].mail.To)
	require.Equal(t, message().Subject, got[0].mail.Subject)
	require.Equal(t, message().HTML, got[0].mail.HTML)
	require.Equal(t, message().Text, got[0].mail.Text)
	require.Equal(t, map[string]string{"Auto-Submitted": "auto-generated"}, got[0].mail.Headers)
}

func TestTheUnsubscribeHeadersAllowOneClick(t *testing.T) {
	p := newProvider(t, accept)
	m := message()
	m.Unsubscribe = "https://app.acme.example/unsubscribe/AAEC"
	require.NoError(t, p.sender(t).Send(t.Context(), m))
	require.Equal(t, map[string]string{
		"Auto-Submitted":        "auto-generated",
		"List-Unsubscribe":      "<https://app.acme.example/unsubscribe/AAEC>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	}, p.received()[0].mail.Headers)
}

func TestARetrySendsTheSameKeyAndBody(t *testing.T) {
	p := newProvider(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			reply(w, 500, `{"name":"application_error","message":"seekrit"}`)
			return
		}
		accept(n, w, r)
	})
	s := p.sender(t)
	require.False(t, requireSendError(t, s.Send(t.Context(), message())).Permanent)
	require.NoError(t, s.Send(t.Context(), message()))
	got := p.received()
	require.Len(t, got, 2)
	require.Equal(t, got[0], got[1])
}

func TestResponsesAreClassified(t *testing.T) {
	name := func(n string) string {
		return `{"statusCode":0,"name":"` + n + `","message":"seekrit ada.lovelace@customer.example"}`
	}
	for about, c := range map[string]struct {
		status     int
		retryAfter string
		body       string
		want       Error
		says       string
	}{
		"bad key":             {401, "", name("missing_api_key"), Error{AffectsAllMail: true}, "(missing_api_key)"},
		"bad sender":          {422, "", name("invalid_from_address"), Error{AffectsAllMail: true}, "sender"},
		"unverified domain":   {403, "", name("validation_error"), Error{AffectsAllMail: true}, "sender"},
		"bad message":         {422, "", name("invalid_parameter"), Error{Permanent: true}, "(invalid_parameter)"},
		"bad request":         {400, "", name("validation_error"), Error{Permanent: true}, "not accepted"},
		"wrong base":          {404, "", "not found: seekrit", Error{AffectsAllMail: true}, "not the URL"},
		"same key, same time": {409, "", name("concurrent_idempotent_requests"), Error{}, "right now"},
		"same key, new body":  {409, "", name("invalid_idempotent_request"), Error{Permanent: true, Duplicate: true}, "another body"},
		"conflict":            {409, "", "seekrit", Error{Permanent: true, Duplicate: true}, "another body"},
		"too fast":            {429, "7", name("rate_limit_exceeded"), Error{RetryAfter: 7 * time.Second, AffectsAllMail: true}, "(rate_limit_exceeded)"},
		"too fast, fraction":  {429, "0.5", "", Error{RetryAfter: 500 * time.Millisecond, AffectsAllMail: true}, "too many"},
		"too fast, silent":    {429, "", name("rate_limit_exceeded"), Error{AffectsAllMail: true}, "too many"},
		"too fast, nonsense":  {429, "seekrit", "", Error{AffectsAllMail: true}, "too many"},
		"too fast, past":      {429, "Thu, 01 Jan 1970 00:00:00 GMT", "", Error{AffectsAllMail: true}, "too many"},
		"too fast, NaN":       {429, "NaN", "", Error{AffectsAllMail: true}, "too many"},
		"quota":               {429, "86400", name("daily_quota_exceeded"), Error{RetryAfter: time.Hour, AffectsAllMail: true}, "(daily_quota_exceeded)"},
		"quota, date":         {429, "Fri, 01 Jan 2100 00:00:00 GMT", "", Error{RetryAfter: time.Hour, AffectsAllMail: true}, "quota"},
		"broken":              {500, "", name("seekrit"), Error{}, "internal error"},
		"away":                {503, "30", "<html>seekrit</html>", Error{RetryAfter: 30 * time.Second}, "internal error"},
		"slow":                {408, "", "", Error{}, "too slow"},
		"too early":           {425, "", "", Error{}, "too early"},
		"last server error":   {599, "", "", Error{}, "internal error"},
		"unknown":             {418, "", name("teapot"), Error{AffectsAllMail: true}, "not the URL"},
		"headers too long":    {200, "", "", Error{}, ""},
		"not JSON":            {200, "", "<html>seekrit</html>", Error{}, "understood"},
		"no id":               {200, "", "{}", Error{}, "understood"},
		"endless":             {200, "", `{"id":"` + strings.Repeat("x", 2*maxResponse) + `"}`, Error{}, "understood"},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				if about == "headers too long" {
					w.Header().Set("X-Long", strings.Repeat("seekrit", maxResponse))
				}
				reply(w, c.status, c.body)
			})
			e := requireSendError(t, p.sender(t).Send(t.Context(), message()))
			require.Contains(t, e.Error(), c.says)
			if about == "headers too long" {
				c.status = 0 // no response was read
			}
			require.Equal(t, c.status, e.Status)
			require.Equal(t, c.want, Error{RetryAfter: e.RetryAfter, Permanent: e.Permanent, Duplicate: e.Duplicate, AffectsAllMail: e.AffectsAllMail})
			require.NoError(t, e.Unwrap())
			require.Len(t, p.received(), 1)
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newProvider(t, accept)
	for _, status := range []int{301, 302, 303, 307, 308} {
		p := newProvider(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/emails", status)
		})
		e := requireSendError(t, p.sender(t).Send(t.Context(), message()))
		require.True(t, e.AffectsAllMail)
		require.Equal(t, status, e.Status)
	}
	require.Empty(t, other.received())
}

func TestASlowProviderTimesOut(t *testing.T) {
	done := make(chan struct{})
	silent := newProvider(t, func(int, http.ResponseWriter, *http.Request) { <-done })
	trickling := newProvider(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		io.WriteString(w, `{"id":`)           //nolint:errcheck // the client may have gone
		http.NewResponseController(w).Flush() //nolint:errcheck // the client may have gone
		<-done
	})
	t.Cleanup(func() { close(done) })
	for about, c := range map[string]struct {
		provider     *provider
		whole, first time.Duration
	}{
		"no first byte": {silent, time.Minute, 50 * time.Millisecond},
		"no answer":     {silent, 50 * time.Millisecond, time.Minute},
		"no last byte":  {trickling, 200 * time.Millisecond, time.Minute},
	} {
		s, err := newSender(c.provider.config(), c.whole, c.first)
		require.NoError(t, err)
		e := requireSendError(t, s.Send(t.Context(), message()))
		require.False(t, e.Permanent, about)
		require.NoError(t, e.Unwrap(), about)
	}
}

func TestACancelledSendStopsAtOnce(t *testing.T) {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	p := newProvider(t, func(int, http.ResponseWriter, *http.Request) { cancel(); <-done })
	t.Cleanup(func() { close(done) })
	e := requireSendError(t, p.sender(t).Send(ctx, message()))
	require.ErrorIs(t, e, context.Canceled)
	require.False(t, e.Permanent)
	require.Zero(t, e.Status)
}

func TestAnUnreachableProviderIsATemporaryError(t *testing.T) {
	p := newProvider(t, accept)
	s := p.sender(t)
	p.Close()
	e := requireSendError(t, s.Send(t.Context(), message()))
	require.False(t, e.Permanent)
	require.Zero(t, e.Status)
}

// Providers close idle connections. The request that meets a closed one is retried
// transparently; its key makes that safe.
func TestARequestOnAClosedConnectionIsRetried(t *testing.T) {
	p := newProvider(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 2 {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
			return
		}
		accept(n, w, r)
	})
	s := p.sender(t)
	require.NoError(t, s.Send(t.Context(), message()))
	require.NoError(t, s.Send(t.Context(), message()))
	got := p.received()
	require.Len(t, got, 3)
	require.Equal(t, got[1], got[2])
}

func TestConcurrentSendsGetTheirOwnResponses(t *testing.T) {
	p := newProvider(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Idempotency-Key"), "bad") {
			reply(w, 422, `{}`)
			return
		}
		reply(w, 503, `{}`)
	})
	s := p.sender(t)
	var all sync.WaitGroup
	for range 20 {
		for key, status := range map[string]int{"bad": 422, "late": 503} {
			all.Go(func() {
				m := message()
				m.IdempotencyKey = key
				var e *Error
				if !errors.As(s.Send(context.Background(), m), &e) || e.Status != status {
					t.Errorf("%s: %v", key, e)
				}
			})
		}
	}
	all.Wait()
}

func TestTheLongestAddressAndKeyAreSent(t *testing.T) {
	p := newProvider(t, accept)
	m := message()
	m.To = strings.Repeat("a", 320-len("@customer.example")) + "@customer.example"
	m.IdempotencyKey = strings.Repeat("~", 256)
	require.NoError(t, p.sender(t).Send(t.Context(), m))
	require.Len(t, p.received(), 1)
}

// roundTripper answers requests without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// cancelledBody is the body of a response during which the caller cancels.
type cancelledBody struct{ cancel context.CancelFunc }

func (b cancelledBody) Read([]byte) (int, error) { b.cancel(); return 0, context.Canceled }
func (b cancelledBody) Close() error             { return nil }

func TestASendCancelledWhileTheResponseIsReadIsNotClassified(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := resend.NewCustomClient(&http.Client{Transport: transport{base: roundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusUnprocessableEntity, Header: http.Header{}, Body: cancelledBody{cancel}, Request: req}, nil
	})}}, "re_seekrit_key")
	s := &Sender{client: client, from: "exports@acme.example"}
	e := requireSendError(t, s.Send(ctx, message()))
	require.ErrorIs(t, e, context.Canceled)
	require.False(t, e.Permanent)
}

func TestAProviderHas30Seconds(t *testing.T) {
	client := newHTTPClient(requestTimeout, responseHeaderTimeout)
	require.Equal(t, 30*time.Second, client.Timeout)
	require.Equal(t, 20*time.Second, client.Transport.(transport).base.(*http.Transport).ResponseHeaderTimeout)
}

func TestInvalidMessagesAreNotSent(t *testing.T) {
	p := newProvider(t, accept)
	s := p.sender(t)
	for about, change := range map[string]func(*Message){
		"no recipient":    func(m *Message) { m.To = "" },
		"no domain":       func(m *Message) { m.To = "ada.lovelace@" },
		"two recipients":  func(m *Message) { m.To += ",eve@evil.example" },
		"named recipient": func(m *Message) { m.To = "Ada <" + m.To + ">" },
		"header":          func(m *Message) { m.To += "\r\nBcc: eve@evil.example" },
		"no subject":      func(m *Message) { m.Subject = "" },
		"broken subject":  func(m *Message) { m.Subject += "\nBcc: eve@evil.example" },
		"subject with CR": func(m *Message) { m.Subject += "\rBcc: eve@evil.example" },
		"space":           func(m *Message) { m.To = "ada lovelace@customer.example" },
		"delete":          func(m *Message) { m.To = "ada\x7f@customer.example" },
		"semicolon":       func(m *Message) { m.To += ";eve@evil.example" },
		"quote":           func(m *Message) { m.To = `"ada"@customer.example` },
		"long recipient":  func(m *Message) { m.To = strings.Repeat("a", 321-len("@customer.example")) + "@customer.example" },
		"no html":         func(m *Message) { m.HTML = "" },
		"no text":         func(m *Message) { m.Text = "" },
		"no unsubscribe":  func(m *Message) { m.Unsubscribe = "https://app.acme.example/x>\r\nBcc: eve@evil.example" },
		"no key":          func(m *Message) { m.IdempotencyKey = "" },
		"long key":        func(m *Message) { m.IdempotencyKey = strings.Repeat("k", 257) },
		"odd key":         func(m *Message) { m.IdempotencyKey = "a\nb" },
		"key with space":  func(m *Message) { m.IdempotencyKey = "a b" },
		"key with DEL":    func(m *Message) { m.IdempotencyKey = "a\x7f" },
	} {
		m := message()
		change(&m)
		require.True(t, requireSendError(t, s.Send(t.Context(), m)).Permanent, about)
	}
	require.Empty(t, p.received())
}

func TestAResponseThatStopsHalfWayIsNone(t *testing.T) {
	t.Parallel()
	p := newProvider(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	s, err := newSender(Config{APIKey: "re_test", BaseURL: p.URL, From: "exports@example.com"}, 200*time.Millisecond, 100*time.Millisecond)
	require.NoError(t, err)
	var failure *Error
	require.ErrorAs(t, s.Send(t.Context(), Message{To: "a@example.com", Subject: "s", HTML: "h", Text: "t", IdempotencyKey: "k"}), &failure)
	require.Zero(t, failure.Status, "so that the attempt stops here")
	require.False(t, failure.Permanent)
}
