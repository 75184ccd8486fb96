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

// everywhere is one address of each of Twilio's routes.
var everywhere = [][2]string{
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

func TestOnlyBasicAuthenticationOpensTheseDoors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	wrong := w.program
	wrong.secret = "wrong"
	for _, at := range everywhere {
		for name, a := range map[string]answer{
			"nobody":         w.send(caller{}, at[0], at[1], nil),
			"a wrong secret": w.send(wrong, at[0], at[1], nil),
			"a bearer token": w.send(caller{}, at[0], at[1], nil, header("Authorization", "Bearer abc.def.ghi")),
			"a cookie":       w.send(caller{}, at[0], at[1], nil, header("Cookie", "session=abc")),
		} {
			if a.status == http.StatusTooManyRequests { // too many wrong secrets from here
				refused(t, a, 429, 20429)
				require.NotEmpty(t, a.header.Get("Retry-After"))
				continue
			}
			require.Equal(t, 401, a.status, "%s: %v %s", name, at, a.body)
			refused(t, a, 401, 20003)
			require.True(t, strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic"))
		}
	}
}

func TestMembersMayDoNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	for _, at := range everywhere {
		refused(t, w.send(w.member, at[0], at[1], nil), 403, 20403)
	}
}

func TestWhatIsNotThereIsSaidInTheFormatOfErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	for _, path := range []string{
		"/v1/Exports", "/v1/Exports/", "/v1/Exports/Jobs", "/v1/Exports/Jobs/", "/v1/Exports/Jobs/Jobs", "/v1/Exports/Jobs/Configuration", "/v1/Exports/Jobs/Days",
		"/v1/Exports/calls", "/v1/Exports/CALLS/Jobs", "/v1/Exports/Faxes/Days", "/v1/Exports/Calls/Nothing", "/v1/Exports/Calls/Jobs/" + schema.NewJobID(),
		"/v1/Exports/Calls/Days/2026-03-01/x", "/v1/Exports/Jobs/Days/2026-03-01", "/v1/Exports/Jobs/" + schema.NewJobID() + "/x", "/v1/Exports/%43alls%2fDays",
		"/v1/Archives", "/v1/Archives/2026-03-01/Messages/SM1", "/files", "/files/x",
	} {
		a := w.send(w.program, http.MethodGet, path, nil)
		require.Equal(t, 404, a.status, "%s: %s", path, a.body)
		refused(t, a, 404, 20404, path)
	}
	for path, allow := range map[string]string{
		"/v1/Exports/Calls": "GET", "/v1/Exports/Calls/Configuration": "POST", "/v1/Exports/Calls/Jobs/": "GET",
		"/v1/Exports/Jobs/" + schema.NewJobID(): "DELETE", "/v1/Exports/Calls/Days/2026-03-01": "GET",
		"/v1/Archives/2026-03-01/Calls/CA00112233445566778899aabbccddeeff": "DELETE", "/files/x/y": "HEAD",
	} {
		a := w.send(w.program, http.MethodPut, path, nil)
		refused(t, a, 405, 20004)
		require.Contains(t, a.header.Get("Allow"), allow, path)
	}
	for _, slash := range []string{"", "/"} {
		for _, path := range []string{"/v1/Exports/Calls", "/v1/Exports/Calls/Configuration", "/v1/Exports/Calls/Jobs", "/v1/Exports/Calls/Days"} {
			require.Equal(t, 200, w.send(w.program, http.MethodGet, path+slash, nil).status, path+slash)
		}
	}
}

func TestEachErrorCodeHasAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	for _, code := range []string{"20001", "20003", "20004", "20403", "20404", "20409", "20413", "20429", "20500", "20503"} {
		a := w.send(caller{}, http.MethodGet, "/docs/errors/"+code, nil)
		require.Equal(t, 200, a.status)
		require.Contains(t, a.body, "Error "+code)
	}
	require.Equal(t, 404, w.send(caller{}, http.MethodGet, "/docs/errors/1", nil).status)
}

func TestWhileTheDatabaseIsAwayTheAnswerSaysWhenToTryAgain(t *testing.T) {
	t.Parallel()
	away, err := store.Open("postgres://satchel@127.0.0.1:1/satchel?sslmode=disable", 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, away.Close()) })
	w := newWorld(t, nowhere(t), func(o *bulk.Options) { o.Store = away.BulkExports() })
	file, until := schema.NewDayFileID(), time.Now().Add(time.Hour).Unix()
	link := fmt.Sprintf("/files/%s/Calls-2026-03-01.json.gz?by=%s&exp=%d&sig=%s", file, w.program.user, until, w.links.FileLink(file, w.program.user, until))
	for _, at := range append(everywhere, [2]string{http.MethodGet, link}) {
		if at[1] == "/v1/Exports/Calls" {
			continue // needs none
		}
		a := w.send(w.program, at[0], at[1], nil)
		require.Equal(t, 503, a.status, "%v: %s", at, a.body)
		refused(t, a, 503, 20503)
		require.Regexp(t, `^[1-9]\d*$`, a.header.Get("Retry-After"))
	}
}

func TestAddressesNameTheSiteOrWhatTheRequestCameTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t))
	of := func(changes ...func(*http.Request)) string {
		a := w.send(w.program, http.MethodGet, "/v1/Exports/Calls", nil, changes...)
		require.Equal(t, 200, a.status)
		return a.body
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	told := []func(*http.Request){host("bulkexports.twilio.com"), header("X-Forwarded-Proto", "https"), header("X-Forwarded-Host", "evil.example.com, bulkexports.twilio.com")}
	require.JSONEq(t, `{"resource_type":"Calls","url":"`+site+`/v1/Exports/Calls","links":{"days":"`+site+`/v1/Exports/Calls/Days",
		"export_custom_jobs":"`+site+`/v1/Exports/Calls/Jobs","jobs":"`+site+`/v1/Exports/Jobs"}}`, of(told...))

	w.bulk.Site = ""
	require.Contains(t, of(told...), `"http://bulkexports.twilio.com/v1/Exports/Calls"`, "nobody's proxy is believed")
	w.bulk.TrustedProxies = loopback
	require.Contains(t, of(told...), `"https://bulkexports.twilio.com/v1/Exports/Calls"`)
	require.Contains(t, of(host("[::1]:8080")), `"http://[::1]:8080/v1/Exports/Calls"`)
	require.NotContains(t, of(header("X-Forwarded-Host", `evil.example.com/"x`)), "evil")
}
