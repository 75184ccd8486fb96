package bulk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/activities/hook"
	"satchel/schema"
	"satchel/server/limit"
	"satchel/server/respond"
	"satchel/workflows/bulkexport"
)

// These tests need neither a database nor any other service.

// fakeDirectory knows accounts by ID.
type fakeDirectory struct {
	Directory
	accounts map[string]schema.Account
	err      error
}

func (d fakeDirectory) Account(_ context.Context, id string) (schema.Account, error) {
	a, ok := d.accounts[id]
	if !ok && d.err == nil {
		return a, schema.Errorf(schema.NotFound, schema.CodeAccountNotFound, "There is no such account.")
	}
	return a, d.err
}

func newTestBulk(t *testing.T) *Bulk {
	t.Helper()
	hooks, err := hook.New(hook.Config{})
	require.NoError(t, err)
	return New(Options{
		Links: schema.NewLinks([]byte(strings.Repeat("k", 32))), Site: "https://export.example.com", CheckHook: hooks.Check, Limits: schema.DefaultBulkLimits(),
		Directory: fakeDirectory{accounts: map[string]schema.Account{
			"parent": {ID: "parent"}, "child": {ID: "child", Parent: "parent"}, "suspended": {ID: "suspended", Suspended: true},
		}},
	})
}

// requireCode requires a schema.Error with this kind and code.
func requireCode(t *testing.T, err error, kind schema.Kind, code string) {
	t.Helper()
	known, ok := errors.AsType[*schema.Error](err)
	require.True(t, ok, err)
	require.Equal(t, kind, known.Kind)
	require.Equal(t, code, known.Code)
}

func TestSubaccountsUseTheQuotaOfTheirParent(t *testing.T) {
	t.Parallel()
	b := newTestBulk(t)
	for account, want := range map[string]string{"parent": "parent", "child": "parent"} {
		got, err := b.quotaAccount(t.Context(), account)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := b.quotaAccount(t.Context(), "unknown")
	requireCode(t, err, schema.NotFound, "account_not_found")
}

func TestEachFieldOfAJobHasItsLimit(t *testing.T) {
	t.Parallel()
	b := newTestBulk(t)
	valid := JobForm{StartDay: "2026-03-01", EndDay: "2026-03-02", FriendlyName: "a"}
	webhook := func(length int) JobForm {
		f := valid
		f.WebhookMethod, f.WebhookURL = "POST", "https://hooks.example.com/"
		f.WebhookURL += strings.Repeat("a", length-len(f.WebhookURL))
		return f
	}
	email := func(length int) JobForm {
		f := valid
		f.Email = strings.Repeat("a", 60) + "@"
		for len(f.Email) < length-4 {
			f.Email += strings.Repeat("b", min(60, length-4-len(f.Email))) + "."
		}
		f.Email = strings.TrimSuffix(f.Email[:length-4], ".") + ".com"
		f.Email = strings.Repeat("a", length-len(f.Email)) + f.Email
		return f
	}
	name := func(s string) JobForm { f := valid; f.FriendlyName = s; return f }
	address := func(s string) JobForm { f := valid; f.Email = s; return f }
	days := func(start, end schema.Day) JobForm {
		f := valid
		f.StartDay, f.EndDay = string(start), string(end)
		return f
	}
	newest := schema.Day("2026-03-09")
	for _, c := range []struct {
		what string
		form JobForm
		code string // "" if valid
	}{
		{"a plain job", valid, ""},
		{"a name of 256 characters", name(strings.Repeat("é", 256)), ""},
		{"a name of 257 characters", name(strings.Repeat("é", 257)), "invalid_FriendlyName"},
		{"no name", name(""), "invalid_FriendlyName"},
		{"a name that is not UTF-8", name("a\xff"), "invalid_FriendlyName"},
		{"a name with a line break", name("a\nb"), "invalid_FriendlyName"},
		{"a webhook URL of 2,048 bytes", webhook(2048), ""},
		{"a webhook URL of 2,049 bytes", webhook(2049), "invalid_WebhookUrl"},
		{"an address with a name", address("Ada <ada@example.com>"), "invalid_Email"},
		{"two addresses", address("ada@example.com, bo@example.com"), "invalid_Email"},
		{"a domain without a dot", address("joe@localhost"), "invalid_Email"},
		{"an address beyond ASCII", address("jörg@exämple.de"), "invalid_Email"},
		{"a second header", address("ada@example.com\r\nBcc: bo@example.com"), "invalid_Email"},
		{"an address of 254 bytes", email(254), ""},
		{"an address of 255 bytes", email(255), "invalid_Email"},
		{"366 days", days(newest.Plus(-365), newest), ""},
		{"367 days", days(newest.Plus(-366), newest), "invalid_EndDay"},
		{"the day after the newest", days(newest, newest.Plus(1)), "invalid_EndDay"},
		{"an end before the start", days(newest, newest.Plus(-1)), "invalid_EndDay"},
		{"the year 0", days("0000-12-31", newest), "invalid_StartDay"},
	} {
		_, err := b.validate(c.form, newest)
		if c.code == "" {
			require.NoError(t, err, c.what)
			continue
		}
		require.Error(t, err, c.what)
		requireCode(t, err, schema.Invalid, c.code)
	}
	require.Len(t, email(254).Email, 254)
	require.Len(t, email(255).Email, 255)
	require.Len(t, webhook(2049).WebhookURL, 2049)
}

func TestWebhooksNeedBothHalves(t *testing.T) {
	t.Parallel()
	b := newTestBulk(t)
	for _, c := range []struct{ url, method, code string }{
		{"", "", ""}, {"https://hooks.example.com/", "get", ""},
		{"https://hooks.example.com/", "", "invalid_WebhookMethod"}, {"", "POST", "invalid_WebhookUrl"},
		{"https://hooks.example.com/", "PUT", "invalid_WebhookMethod"}, {"https://127.0.0.1/", "POST", "invalid_WebhookUrl"},
	} {
		h, err := b.parseWebhook(c.url, c.method)
		if c.code == "" {
			require.NoError(t, err)
			require.Equal(t, schema.Hook{URL: c.url, Method: strings.ToUpper(c.method)}, h)
			continue
		}
		requireCode(t, err, schema.Invalid, c.code)
	}
}

// requestTo returns the context of a request with path parameters id and name.
func requestTo(address, id, name string) echo.Context {
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, address, nil), httptest.NewRecorder())
	c.SetParamNames("id", "name")
	c.SetParamValues(id, name)
	return c
}

func TestFileLinksAreSignedForTheirFileActorAndExpiry(t *testing.T) {
	t.Parallel()
	b := newTestBulk(t) // without a store: what passes the check panics
	file, other, until := schema.NewDayFileID(), schema.NewDayFileID(), time.Now().Add(time.Hour).Unix()
	signature := b.Links.FileSignature(file, "US1", until)
	flipped := string(map[bool]byte{true: '1', false: '0'}[signature[0] == '0']) + signature[1:]
	link := func(by string, until int64, signature string) string {
		return "/?" + url.Values{"by": {by}, "exp": {strconv.FormatInt(until, 10)}, "sig": {signature}}.Encode()
	}
	require.Panics(t, func() { _ = b.sendFile(requestTo(link("US1", until, signature), file, "name")) }, "the link itself is accepted")
	for what, c := range map[string]echo.Context{
		"another file":         requestTo(link("US1", until, signature), other, "name"),
		"another actor":        requestTo(link("US2", until, signature), file, "name"),
		"no actor":             requestTo(link("", until, signature), file, "name"),
		"a later expiry":       requestTo(link("US1", until+1, signature), file, "name"),
		"another signature":    requestTo(link("US1", until, flipped), file, "name"),
		"half a signature":     requestTo(link("US1", until, signature[:32]), file, "name"),
		"no signature":         requestTo(link("US1", until, ""), file, "name"),
		"nothing":              requestTo("/", file, "name"),
		"an expiry of letters": requestTo("/?by=US1&exp=x&sig="+signature, file, "name"),
		"another key's":        requestTo(link("US1", until, schema.NewLinks([]byte(strings.Repeat("o", 32))).FileSignature(file, "US1", until)), file, "name"),
	} {
		require.NotPanics(t, func() { requireCode(t, b.sendFile(c), schema.Forbidden, "link_altered") }, what)
	}
}

func TestRequestsWithLinksAreLimitedByWhomTheLinkIsFor(t *testing.T) {
	t.Parallel()
	b := newTestBulk(t) // without a store: what is not refused panics
	b.linkRequests = limit.NewRates(1, 3, time.Now)
	file, until := schema.NewDayFileID(), time.Now().Add(time.Hour).Unix()
	request := func(by, method string) error {
		c := requestTo("/?"+url.Values{"by": {by}, "exp": {strconv.FormatInt(until, 10)}, "sig": {b.Links.FileSignature(file, by, until)}}.Encode(), file, "name")
		c.Request().Method = method
		c.Request().Header.Set("Range", "bytes=0-0")
		return b.sendFile(c)
	}
	for range 3 {
		require.Panics(t, func() { _ = request("US1", http.MethodHead) })
	}
	requireCode(t, request("US1", http.MethodGet), schema.Limited, schema.CodeTooManyRequests)
	require.Panics(t, func() { _ = request("US2", http.MethodGet) }, "another's link")
}

func TestFilesOfSuspendedAndRemovedAccountsAreNotSent(t *testing.T) {
	t.Parallel()
	b := newTestBulk(t)
	active := func(account string) error {
		_, err := b.checkAccountActive(t.Context(), account)
		return err
	}
	require.NoError(t, active("parent"))
	for _, account := range []string{"suspended", "removed"} {
		requireCode(t, active(account), schema.Forbidden, "account_suspended")
	}
	away := errors.New("away")
	b.Directory = fakeDirectory{err: away}
	require.ErrorIs(t, active("parent"), away, "an error is not a suspension")
}

func TestOnlyTrustedProxiesSetTheBaseURL(t *testing.T) {
	t.Parallel()
	b := newTestBulk(t)
	request := func(host string, headers ...string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil) // from 192.0.2.1
		r.Host = host
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		return r
	}
	forwarded := request("internal:8080", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example.com, api.example.com")
	require.Equal(t, "https://export.example.com", b.baseURL(forwarded), "the configured site comes first")
	b.Site = ""
	require.Equal(t, "http://internal:8080", b.baseURL(forwarded), "no proxy is trusted")
	b.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	require.Equal(t, "https://api.example.com", b.baseURL(forwarded), "the nearest proxy wrote the last entry")
	b.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	require.Equal(t, "http://internal:8080", b.baseURL(forwarded), "another proxy is trusted")
	require.Equal(t, "http://[::1]:8080", b.baseURL(request("[::1]:8080")))
	for _, host := range []string{`evil.example.com/"x`, "a b", "user@evil.example.com", ""} {
		require.Empty(t, b.baseURL(request(host)), host)
	}
}

func TestPageTokensAreBoundToTheirList(t *testing.T) {
	t.Parallel()
	b := newTestBulk(t)
	token := b.Links.PageToken("jobs AC1 Calls", "cursor")
	page, err := b.parsePaging(requestTo("/?PageToken="+token, "", ""), "jobs", "jobs AC1 Calls", 10)
	require.NoError(t, err)
	require.Equal(t, "cursor", page.cursor)
	for _, scope := range []string{"jobs AC2 Calls", "jobs AC1 Messages", "days AC1 Calls"} {
		_, err := b.parsePaging(requestTo("/?PageToken="+token, "", ""), "jobs", scope, 10)
		requireCode(t, err, schema.Invalid, "invalid_PageToken")
	}
	for query, size := range map[string]int{"": 50, "PageSize=1": 1, "PageSize=1000": 1000, "PageSize=1001": 1000, "PageSize=99999999999999999999": 1000} {
		page, err := b.parsePaging(requestTo("/?"+query, "", ""), "jobs", "", 1000)
		require.NoError(t, err, query)
		require.Equal(t, size, page.size, query)
	}
	for _, query := range []string{"PageSize=0", "PageSize=-1", "PageSize=x", "PageSize=", "Page=-1", "PageToken=x"} {
		_, err := b.parsePaging(requestTo("/?"+query, "", ""), "jobs", "", 1000)
		require.Equal(t, schema.Invalid, schema.KindOf(err), query)
	}
}

func TestTooManyJobsAtOnceAreRejectedWithRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &Bulk{openSlots: make(chan struct{}, maxConcurrentOpens), opening: limit.NewRunning(maxWaitingOpens)}
		for range maxConcurrentOpens {
			b.openSlots <- struct{}{}
		}
		start := time.Now()
		err := b.openJob(t.Context(), bulkexport.BulkJobInput{})
		requireCode(t, err, schema.Unavailable, "busy")
		require.Equal(t, openSlotTimeout, time.Since(start))
		known, _ := errors.AsType[*schema.Error](err)
		require.Positive(t, known.RetryAfter)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, b.openJob(ctx, bulkexport.BulkJobInput{}), context.Canceled)
	})
}

func TestJobsOfSubaccountsWaitInTheirParentsPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &Bulk{openSlots: make(chan struct{}, maxConcurrentOpens), opening: limit.NewRunning(maxWaitingOpens)}
		for range maxConcurrentOpens {
			b.openSlots <- struct{}{}
		}
		for n := range maxWaitingOpens {
			go func() {
				_ = b.openJob(t.Context(), bulkexport.BulkJobInput{Account: fmt.Sprint("AC", n), QuotaAccount: "AC-parent"})
			}()
		}
		synctest.Wait()
		requireCode(t, b.openJob(t.Context(), bulkexport.BulkJobInput{Account: "AC-another", QuotaAccount: "AC-parent"}), schema.Limited, schema.CodeTooManyJobs)
		requireCode(t, b.openJob(t.Context(), bulkexport.BulkJobInput{Account: "AC-other", QuotaAccount: "AC-other"}), schema.Unavailable, "busy")
	})
}

func TestEveryStatusHasACodeWithAPage(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		schema.Errorf(schema.Invalid, "x", "x"), schema.Errorf(schema.Unauthenticated, "x", "x"), schema.Errorf(schema.Forbidden, "x", "x"),
		schema.Errorf(schema.NotFound, "x", "x"), schema.Errorf(schema.Conflict, "x", "x"), schema.Errorf(schema.Gone, "x", "x"),
		schema.Errorf(schema.Limited, "x", "x"), schema.Errorf(schema.Unavailable, "x", "x"), errors.New("internal text"),
		echo.ErrMethodNotAllowed, echo.ErrNotFound, &http.MaxBytesError{}, context.DeadlineExceeded,
		echo.NewHTTPError(http.StatusPreconditionFailed), echo.NewHTTPError(http.StatusRequestedRangeNotSatisfiable),
	} {
		status, message, wait := describeError(requestTo("/v1/Exports/Calls", "", ""), err)
		require.Contains(t, errorDocs, fmt.Sprint(twilioCode(status)), err)
		require.NotContains(t, message, "internal text")
		require.Equal(t, status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests, wait > 0, err)
	}
	for code, doc := range errorDocs {
		require.NotEmpty(t, doc.title, code)
		require.NotEmpty(t, doc.paragraphs, code)
	}
}

func TestEachRouteStatesWhoMayUseIt(t *testing.T) {
	t.Parallel()
	e := echo.New()
	router := respond.NewRouter(e)
	newTestBulk(t).Register(router)
	twilio, own := 0, 0
	for _, route := range e.Routes() {
		if strings.HasPrefix(route.Method, "echo_") {
			continue
		}
		p := router.PolicyOfRoute(route.Method, route.Path)
		what := route.Method + " " + route.Path
		require.False(t, p.FromHostSite || p.Background, what)
		require.Equal(t, strings.HasPrefix(route.Path, "/files/"), p.Unlimited, "%s: only downloads have limits of their own", what)
		switch {
		case strings.HasPrefix(route.Path, "/v1/bulk/"):
			own++
			require.Equal(t, respond.Exporter, p.Access, what)
			require.Equal(t, respond.JSON, p.Format, what)
		case strings.HasPrefix(route.Path, "/v1/"):
			twilio++
			require.Equal(t, respond.ExporterByBasic, p.Access, what)
			require.Equal(t, respond.Twilio, p.Format, what)
			require.Less(t, p.TotalTimeout, 10*time.Second, "Twilio's client libraries give up after ten seconds")
		case strings.HasPrefix(route.Path, "/files/"):
			require.Equal(t, respond.Policy{Access: respond.Public, Format: respond.Twilio, File: true, Unlimited: true}, p, what)
		default:
			require.Equal(t, "/docs/errors/:code", route.Path)
			require.Equal(t, respond.Public, p.Access, what)
		}
	}
	require.Equal(t, 2*16, twilio, "ten routes, six of them for HEAD as well, with and without a trailing slash")
	require.Equal(t, 6, own)
}
