package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/limit"
	"satchel/server/respond"
)

func TestCrossOriginChangesAreRejected(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	for _, path := range []string{fx.confirmLink(e), settings, settings + "/" + e.ID + "/cancel", "/v1/account/exports", "/v1/account/exports/" + e.ID + "/cancel", "/sign-out", "/session"} {
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
			{"Origin", "https://evil.example.com"}, {"Origin", "null"},
		} {
			a := owner.do(http.MethodPost, path, nil, headers...)
			require.Equal(t, http.StatusForbidden, a.status, "%s %v", path, headers)
			require.Contains(t, a.body, "another site")
		}
	}
	require.Empty(t, fx.signals())
	owner.get(settings).requirePage(t, http.StatusOK)
}

func TestOnlyTheHostApplicationMayPostATokenFromItsPage(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(fx *fixture) { fx.settings.SignInURL = "https://app.example.com/sign-in" })
	token := url.Values{"token": {"x"}}
	from := func(origin, path string) int {
		return fx.anonymous().post(path, token, "Sec-Fetch-Site", "cross-site", "Origin", origin).status
	}
	require.Equal(t, http.StatusUnauthorized, from("https://app.example.com", "/session"), "the request is allowed, and its token is invalid")
	require.Equal(t, http.StatusForbidden, from("https://evil.example.com", "/session"))
	require.Equal(t, http.StatusForbidden, from("https://app.example.com", "/sign-out"), "and nothing else")
}

func TestSecurityHeadersAreOnEveryAnswer(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(fx *fixture) { fx.settings.site = "https://export.example.com" })
	for _, path := range []string{"/sign-in", "/nowhere", "/v1/account/exports", "/static/site.css", "/healthz"} {
		h := fx.anonymous().get(path).header
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
		require.Equal(t, "max-age=63072000", h.Get("Strict-Transport-Security"), "of our own host alone")
		csp := h.Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			require.Contains(t, csp, rule)
		}
		require.NotContains(t, csp, "unsafe")
		require.NotEmpty(t, h.Get("X-Request-Id"))
		if path != "/static/site.css" {
			require.Contains(t, h.Get("Cache-Control"), "no-store", path)
		}
	}
	for _, path := range []string{"/sign-in", "/nowhere"} {
		requireNothingInline(t, fx.anonymous().get(path).body)
	}
}

// requireNothingInline checks that the CSP allows everything on a page.
func requireNothingInline(t *testing.T, page string) {
	t.Helper()
	require.NotContains(t, page, "<style")
	require.NotRegexp(t, `<[^>]+ style=`, page)
	require.NotRegexp(t, `<[^>]+ on[a-z]+=`, page)
	require.NotRegexp(t, `hx-on|javascript:`, page)
	require.Equal(t, strings.Count(page, "<script"), strings.Count(page, `<script src="/`))
	require.NotRegexp(t, `<script[^>]*>[^<]`, page)
}

func TestRequestsWithoutCredentialsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(fx *fixture) { fx.settings.RateLimit = 1 })
	v, program := fx.anonymous(), fx.program()
	met := limit.Met(limit.AnonymousRequests)
	var last response
	for range 60 {
		// Without trusted proxies, these headers do not change the address.
		if last = v.get("/sign-in", "X-Forwarded-For", fmt.Sprint("10.0.0.", len(last.body)%250), "X-Real-Ip", "10.1.1.1"); last.status != http.StatusOK {
			break
		}
	}
	last.requirePage(t, http.StatusTooManyRequests, "less often")
	require.Equal(t, "1", last.header.Get("Retry-After"))
	require.Greater(t, limit.Met(limit.AnonymousRequests), met, "the metrics show it")
	require.Equal(t, http.StatusOK, v.get("/healthz").status, "probes are not limited")
	require.Equal(t, http.StatusOK, program.get("/v1/account/exports").status, "nor is anybody at the same address who has credentials")
	require.Equal(t, http.StatusUnauthorized, v.post("/session", url.Values{"token": {"x"}}).status, "nor signing in")
}

func TestRequestsOfOnePrincipalAreLimitedAcrossAddresses(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(fx *fixture) {
		fx.settings.RateLimit = 1
		fx.settings.proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	program := fx.program()
	limited := 0
	for i := range 60 {
		if program.get("/nowhere", "X-Forwarded-For", fmt.Sprintf("10.0.1.%d", i)).status == http.StatusTooManyRequests {
			limited++
		}
	}
	require.GreaterOrEqual(t, limited, 10)
	require.Equal(t, http.StatusOK, fx.signedIn(fx.owner).get(settings).status, "a colleague's requests are their own")
}

func TestXForwardedForIsTrustedOnlyFromConfiguredProxies(t *testing.T) {
	t.Parallel()
	request := func(peer string, forwarded ...string) *http.Request {
		r, _ := http.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer + ":1234"
		r.Header["X-Forwarded-For"] = forwarded
		return r
	}
	direct := clientAddress(nil)
	require.Equal(t, "127.0.0.1", direct(request("127.0.0.1", "6.6.6.6")))
	behind := clientAddress([]netip.Prefix{netip.MustParsePrefix("10.1.2.3/8"), netip.MustParsePrefix("fd00::/8")})
	require.Equal(t, "6.6.6.6", behind(request("10.9.9.9", "6.6.6.6")))
	require.Equal(t, "6.6.6.6", behind(request("10.9.9.9", "1.1.1.1, 6.6.6.6, 10.0.0.1")), "what the client says itself is not believed")
	require.Equal(t, "127.0.0.1", behind(request("127.0.0.1", "6.6.6.6")), "loopback is not named")
	require.Equal(t, "192.168.0.1", behind(request("192.168.0.1", "6.6.6.6")), "nor is a private network")
}

func TestLargeBodiesAreRejected(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	v := fx.anonymous()
	a := v.post("/session", url.Values{"token": {strings.Repeat("x", 65<<10)}})
	require.Equal(t, http.StatusRequestEntityTooLarge, a.status, a.body)
}

func TestAChangeCountsAsARequestAndAsAChange(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rates := func(burst int) *limit.Rates { return limit.NewRates(1, burst, func() time.Time { return now }) }
	requests := requestLimit{limit.PrincipalRequests, rates(5), rates(2)}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		require.NoError(t, requests.allow(method, "ada"))
	}
	err := requests.allow(http.MethodPut, "ada")
	require.Equal(t, schema.Limited, schema.KindOf(err))
	require.Equal(t, time.Second, err.(*schema.Error).RetryAfter)
	for _, method := range []string{http.MethodGet, http.MethodHead} { // three are taken
		require.NoError(t, requests.allow(method, "ada"))
	}
	require.Error(t, requests.allow(http.MethodOptions, "ada"))
	require.NoError(t, requests.allow(http.MethodPost, "bob"))
}

func TestAYearOfJobsAndOfFilesInARowMeetsNoLimit(t *testing.T) {
	t.Parallel()
	cfg, ok, err := parse([]string{"--database-url=x", "--link-key=x", "--s3-bucket=x"}, io.Discard, io.Discard)
	require.True(t, ok)
	require.NoError(t, err)
	g, who := newGuard(validated{config: cfg}), auth.Principal{Account: "AC1", Credential: "SK1"}
	for range 366 {
		require.NoError(t, g.principal.allow(http.MethodPost, who.Key()))
		require.NoError(t, g.account.allow(http.MethodPost, who.Account))
	}
	for range 4 * 366 {
		require.NoError(t, g.principal.allow(http.MethodGet, who.Key()))
		require.NoError(t, g.account.allow(http.MethodGet, who.Account))
	}
}

func TestOnePrincipalCannotUseUpTheRequestsOfItsAccount(t *testing.T) {
	t.Parallel()
	g := newGuard(validated{config: config{RateLimit: 1}})
	for g.principal.allow(http.MethodGet, "AC1//SK1") == nil {
		require.NoError(t, g.account.allow(http.MethodGet, "AC1"))
	}
	require.NoError(t, g.account.allow(http.MethodGet, "AC1"))
}

func TestAddressesOfOneIPv6NetworkAreLimitedTogetherAndProbesNever(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = func(err error, c echo.Context) { require.NoError(t, respond.Problem(c, err)) }
	routes := respond.NewRouter(e)
	e.Use(newGuard(validated{config: config{RateLimit: 1}}).limitRequests)
	done := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	routes.Read("/page", done, respond.Policy{})
	routes.Read("/healthz", done, respond.Policy{Unlimited: true})
	get := func(path, address string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.RemoteAddr = address
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, r)
		return recorder.Code
	}
	limited := 0
	for i := range 80 {
		if get("/page", fmt.Sprintf("[2001:db8::%d]:1234", i+1)) == http.StatusTooManyRequests {
			limited++
		}
	}
	require.GreaterOrEqual(t, limited, 25)
	require.Equal(t, http.StatusNoContent, get("/page", "[2001:db8:0:1::1]:1234"))
	require.Equal(t, http.StatusNoContent, get("/healthz", "[2001:db8::1]:1234"))
}
