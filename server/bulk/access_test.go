package bulk_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/bulk"
)

// allRoutes holds one request for each of Twilio's routes.
var allRoutes = [][2]string{
	{http.MethodGet, "/v1/Exports/Calls"},
	{http.MethodGet, "/v1/Exports/Calls/Configuration"},
	{http.MethodPost, "/v1/Exports/Calls/Configuration"},
	{http.MethodPost, "/v1/Exports/Calls/Jobs"},
	{http.MethodGet, "/v1/Exports/Calls/Jobs"},
	{http.MethodGet, "/v1/Exports/Jobs/JS00112233445566778899aabbccddeeff"},
	{http.MethodDelete, "/v1/Exports/Jobs/JS00112233445566778899aabbccddeeff"},
	{http.MethodGet, "/v1/Exports/Calls/Days"},
	{http.MethodGet, "/v1/Exports/Calls/Days/2026-03-01"},
	{http.MethodDelete, "/v1/Archives/2026-03-01/Calls/CA00112233445566778899aabbccddeeff"},
}

func TestOnlyBasicAuthenticationIsAccepted(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	wrong := fx.program
	wrong.secret = "wrong"
	for _, at := range allRoutes {
		for name, a := range map[string]response{
			"anonymous":      fx.send(anonymous, at[0], at[1], nil),
			"a wrong secret": fx.send(wrong, at[0], at[1], nil),
			"a bearer token": fx.send(anonymous, at[0], at[1], nil, header("Authorization", "Bearer abc.def.ghi")),
			"a cookie":       fx.send(anonymous, at[0], at[1], nil, header("Cookie", "session=abc")),
		} {
			if a.status == http.StatusTooManyRequests { // after many wrong secrets from one address
				requireError(t, a, 429, 20429)
				require.NotEmpty(t, a.header.Get("Retry-After"))
				continue
			}
			require.Equal(t, 401, a.status, "%s: %v %s", name, at, a.body)
			requireError(t, a, 401, 20003)
			require.True(t, strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic"))
		}
	}
}

func TestMembersAreForbiddenEverywhere(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	for _, at := range [][2]string{
		{http.MethodGet, "/v1/bulk/files"}, {http.MethodDelete, "/v1/bulk/files/" + schema.NewDayFileID()},
		{http.MethodGet, "/v1/bulk/events"}, {http.MethodPost, "/v1/bulk/events/3b241101-e2bb-5255-8caf-4136c566a962/resend"},
	} {
		require.Equal(t, 403, fx.send(fx.member, at[0], at[1], nil).status, at)
		require.Equal(t, 401, fx.send(anonymous, at[0], at[1], nil).status, at)
	}
	for _, at := range allRoutes {
		requireError(t, fx.send(fx.member, at[0], at[1], nil), 403, 20403)
	}
}

func TestUnknownPathsAndMethodsGetErrorDocuments(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	for _, path := range []string{
		"/v1/Exports", "/v1/Exports/", "/v1/Exports/Jobs", "/v1/Exports/Jobs/", "/v1/Exports/Jobs/Jobs", "/v1/Exports/Jobs/Configuration", "/v1/Exports/Jobs/Days",
		"/v1/Exports/calls", "/v1/Exports/CALLS/Jobs", "/v1/Exports/Faxes/Days", "/v1/Exports/Calls/Nothing", "/v1/Exports/Calls/Jobs/" + schema.NewJobID(),
		"/v1/Exports/Calls/Days/2026-03-01/x", "/v1/Exports/Jobs/Days/2026-03-01", "/v1/Exports/Jobs/" + schema.NewJobID() + "/x", "/v1/Exports/%43alls%2fDays",
		"/v1", "/v1/", "/v1/NoSuchThing", "/v1/exports/Calls", "/v1/Exports2", "/v1/Archives", "/v1/Archives/2026-03-01/Messages/SM1", "/files", "/files/x",
	} {
		a := fx.send(fx.program, http.MethodGet, path, nil)
		require.Equal(t, 404, a.status, "%s: %s", path, a.body)
		requireError(t, a, 404, 20404, path)
	}
	for path, allow := range map[string]string{
		"/v1/Exports/Calls": "GET", "/v1/Exports/Calls/Configuration": "POST", "/v1/Exports/Calls/Jobs/": "GET",
		"/v1/Exports/Jobs/" + schema.NewJobID(): "DELETE", "/v1/Exports/Calls/Days/2026-03-01": "GET",
		"/v1/Archives/2026-03-01/Calls/CA00112233445566778899aabbccddeeff": "DELETE", "/files/x/y": "HEAD",
	} {
		a := fx.send(fx.program, http.MethodPut, path, nil)
		requireError(t, a, 405, 20004)
		require.Contains(t, a.header.Get("Allow"), allow, path)
	}
	for _, slash := range []string{"", "/"} {
		for _, path := range []string{"/v1/Exports/Calls", "/v1/Exports/Calls/Configuration", "/v1/Exports/Calls/Jobs", "/v1/Exports/Calls/Days"} {
			require.Equal(t, 200, fx.send(fx.program, http.MethodGet, path+slash, nil).status, path+slash)
		}
	}
}

func TestEachErrorCodeHasAPage(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	for _, code := range []string{"20001", "20003", "20004", "20403", "20404", "20409", "20413", "20429", "20500", "20503"} {
		a := fx.send(anonymous, http.MethodGet, "/docs/errors/"+code, nil)
		require.Equal(t, 200, a.status)
		require.Contains(t, a.body, "Error "+code)
	}
	require.Equal(t, 404, fx.send(anonymous, http.MethodGet, "/docs/errors/1", nil).status)
}

func TestUnavailableDatabaseIsA503WithRetryAfter(t *testing.T) {
	t.Parallel()
	away, err := store.Open("postgres://satchel@127.0.0.1:1/satchel?sslmode=disable", 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, away.Close()) })
	fx := newFixture(t, withoutTemporal(t), func(o *bulk.Options) { o.Store = away.BulkExports() })
	file, until := schema.NewDayFileID(), time.Now().Add(time.Hour).Unix()
	link := fmt.Sprintf("/files/%s/Calls-2026-03-01.json.gz?by=%s&exp=%d&sig=%s", file, fx.program.user, until, fx.links.FileSignature(file, fx.program.user, until))
	for _, at := range append(allRoutes, [2]string{http.MethodGet, link}) {
		if at[1] == "/v1/Exports/Calls" {
			continue // does not use the database
		}
		a := fx.send(fx.program, at[0], at[1], nil)
		require.Equal(t, 503, a.status, "%v: %s", at, a.body)
		requireError(t, a, 503, 20503)
		require.Regexp(t, `^[1-9]\d*$`, a.header.Get("Retry-After"))
	}
}

func TestURLsUseTheSiteOrTheHostOfTheRequest(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	fetch := func(changes ...func(*http.Request)) string {
		a := fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls", nil, changes...)
		require.Equal(t, 200, a.status)
		return a.body
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	forwarded := []func(*http.Request){host("bulkexports.twilio.com"), header("X-Forwarded-Proto", "https"), header("X-Forwarded-Host", "evil.example.com, bulkexports.twilio.com")}
	require.JSONEq(t, `{"resource_type":"Calls","url":"`+site+`/v1/Exports/Calls","links":{"days":"`+site+`/v1/Exports/Calls/Days",
		"export_custom_jobs":"`+site+`/v1/Exports/Calls/Jobs","jobs":"`+site+`/v1/Exports/Jobs"}}`, fetch(forwarded...))

	fx.bulk.Site = ""
	require.Contains(t, fetch(forwarded...), `"http://bulkexports.twilio.com/v1/Exports/Calls"`, "no proxy is trusted")
	fx.bulk.TrustedProxies = loopback
	require.Contains(t, fetch(forwarded...), `"https://bulkexports.twilio.com/v1/Exports/Calls"`)
	require.Contains(t, fetch(host("[::1]:8080")), `"http://[::1]:8080/v1/Exports/Calls"`)
	require.NotContains(t, fetch(header("X-Forwarded-Host", `evil.example.com/"x`)), "evil")
}
