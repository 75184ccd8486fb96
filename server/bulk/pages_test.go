package bulk_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/rest/bulkexports/v1"

	"satchel/schema"
	"satchel/server/bulk"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// createJob writes a job as the worker would.
func (fx *fixture) createJob(of credentials, t schema.ResourceType, name string) string {
	fx.t.Helper()
	id := schema.NewJobID()
	require.NoError(fx.t, fx.store.OpenJob(fx.t.Context(), schema.JobOpening{
		JobRequest: schema.JobRequest{Name: name}, ID: id, Account: of.account, Family: of.account, Type: t,
		Start: "2026-03-01", End: "2026-03-01", QuotaDays: 10_000,
	}))
	return id
}

// pathOf returns the path of a URL below the site.
func pathOf(t *testing.T, address string) string {
	t.Helper()
	path, ok := strings.CutPrefix(address, site)
	require.True(t, ok, address)
	return path
}

func TestJobPagesAreStableWhileJobsAreAdded(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	var want []string
	for i := range 7 {
		want = append([]string{fx.createJob(fx.program, schema.Calls, fmt.Sprint("job ", i))}, want...)
	}
	fx.createJob(fx.program, schema.Messages, "another type")
	fx.createJob(fx.other, schema.Calls, "another account")
	var got []string
	next, pages := "/v1/Exports/Calls/Jobs?PageSize=3", 0
	for next != "" {
		a := fx.send(fx.program, http.MethodGet, next, nil)
		require.Equal(t, 200, a.status, a.body)
		parsed := decode[twilio.ListExportCustomJobResponse](t, a.body)
		requireMeta(t, a.body, "jobs")
		require.Equal(t, pages, parsed.Meta.Page)
		require.Equal(t, 3, parsed.Meta.PageSize)
		require.Equal(t, site+"/v1/Exports/Calls/Jobs?PageSize=3&Page=0", parsed.Meta.FirstPageUrl)
		for _, j := range parsed.Jobs {
			got = append(got, *j.JobSid)
		}
		fx.createJob(fx.program, schema.Calls, "added meanwhile")
		pages++
		next = ""
		if parsed.Meta.NextPageUrl != nil {
			next = pathOf(t, *parsed.Meta.NextPageUrl)
			at, err := url.Parse(next)
			require.NoError(t, err)
			require.Regexp(t, `^PT[0-9A-Za-z_-]+$`, at.Query().Get("PageToken"))
			require.Equal(t, fmt.Sprint(pages), at.Query().Get("Page"))
		}
	}
	require.Equal(t, 3, pages)
	require.Equal(t, want, got)
}

// requireMeta requires all seven keys of meta, and no other.
func requireMeta(t *testing.T, body, key string) {
	t.Helper()
	page := decode[map[string]any](t, body)
	require.Len(t, page, 2)
	require.IsType(t, []any{}, page[key], "never null")
	meta := page["meta"].(map[string]any)
	require.Len(t, meta, 7)
	for _, name := range []string{"page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key"} {
		require.Contains(t, meta, name)
	}
	require.Equal(t, key, meta["key"])
}

func TestDaysArePagedInTheOrderOfTheirFiles(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	var want []string
	for _, day := range []schema.Day{"2026-03-05", "2026-03-01", "2026-03-09", "2026-03-02", "2026-03-07"} {
		fx.createDayFile(fx.program, schema.Calls, day, "x")
		want = append(want, string(day))
	}
	fx.createDayFile(fx.program, schema.Messages, "2026-03-03", "another type")
	fx.createDayFile(fx.other, schema.Calls, "2026-03-04", "another account")
	var got []string
	for next, pages := "/v1/Exports/Calls/Days?PageSize=2", 0; next != ""; pages++ {
		a := fx.send(fx.program, http.MethodGet, next, nil)
		requireMeta(t, a.body, "days")
		parsed := decode[twilio.ListDayResponse](t, a.body)
		for _, d := range parsed.Days {
			got = append(got, *d.Day)
			require.Nil(t, d.FriendlyName, "daily exports have no name")
		}
		if pages == 0 { // rebuilt: it moves to the end
			fx.createDayFile(fx.program, schema.Calls, "2026-03-05", "newer")
			want = append(want, "2026-03-05")
		}
		next = ""
		if parsed.Meta.NextPageUrl != nil {
			next = pathOf(t, *parsed.Meta.NextPageUrl)
		}
	}
	require.Equal(t, want, got)
}

func TestInvalidPagesAreRejectedAndLargePagesCapped(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	fx.createJob(fx.program, schema.Calls, "a")
	fx.createJob(fx.program, schema.Calls, "b")
	first := decode[twilio.ListExportCustomJobResponse](t, fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Jobs?PageSize=1", nil).body)
	at, err := url.Parse(*first.Meta.NextPageUrl)
	require.NoError(t, err)
	token := at.Query().Get("PageToken")
	for path, word := range map[string]string{
		"/v1/Exports/Calls/Jobs?PageSize=0":                   "PageSize",
		"/v1/Exports/Calls/Jobs?PageSize=-1":                  "PageSize",
		"/v1/Exports/Calls/Jobs?PageSize=ten":                 "PageSize",
		"/v1/Exports/Calls/Days?PageSize=1.5":                 "PageSize",
		"/v1/Exports/Calls/Days?PageSize=":                    "PageSize",
		"/v1/Exports/Calls/Days?Page=x":                       "Page",
		"/v1/Exports/Calls/Jobs?PageToken=PTx":                "PageToken",
		"/v1/Exports/Calls/Jobs?PageToken=" + token + "A":     "PageToken",
		"/v1/Exports/Messages/Jobs?PageToken=" + token:        "PageToken",
		"/v1/Exports/Calls/Days?PageToken=" + token:           "PageToken",
		"/v1/Exports/Calls/Jobs?PageToken=" + token[2:]:       "PageToken",
		"/v1/Exports/Calls/Jobs?PageSize=1&PageToken=%zz":     "query",
		"/v1/Exports/Calls/Jobs?PageSize=-9" + "999999999999": "PageSize",
	} {
		a := fx.send(fx.program, http.MethodGet, path, nil)
		require.Equal(t, 400, a.status, "%s: %s", path, a.body)
		requireError(t, a, 400, 20001, word)
	}
	requireError(t, fx.send(fx.other, http.MethodGet, "/v1/Exports/Calls/Jobs?PageToken="+token, nil), 400, 20001, "PageToken")
	for path, size := range map[string]int{
		"/v1/Exports/Calls/Jobs":                                50,
		"/v1/Exports/Calls/Days":                                50,
		"/v1/Exports/Calls/Jobs?PageSize=1001":                  1000,
		"/v1/Exports/Calls/Days?PageSize=1000":                  400,
		"/v1/Exports/Calls/Days?PageSize=99999999999999999999":  400,
		"/v1/Exports/Calls/Days?PageSize=400":                   400,
		"/v1/Exports/Calls/Jobs?PageSize=1000&Page=3&Foo=1":     1000,
		"/v1/Exports/Calls/Jobs/?PageSize=7&PageToken=" + token: 7,
	} {
		a := fx.send(fx.program, http.MethodGet, path, nil)
		require.Equal(t, 200, a.status, a.body)
		require.Equal(t, size, decode[twilio.ListDayResponse](t, a.body).Meta.PageSize, path)
	}
	a := fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Jobs?Page=3", nil)
	require.Len(t, decode[struct{ Jobs []bulk.JobView }](t, a.body).Jobs, 2, "Page alone does not select a page")
}

func TestJobsAreListedForAWeekAfterTheyEnd(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t))
	id := fx.createJob(fx.program, schema.Calls, "old")
	_, err := fx.store.EndJob(t.Context(), id)
	require.NoError(t, err)
	for ago, status := range map[time.Duration]int{7*24*time.Hour - time.Minute: 200, 7*24*time.Hour + time.Minute: 404} {
		_, err := fx.rows.Exec(`update satchel.jobs set ended_at = clock_timestamp() - $1 * interval '1 second' where id = $2`, ago.Seconds(), id)
		require.NoError(t, err)
		require.Equal(t, status, fx.send(fx.program, http.MethodGet, "/v1/Exports/Jobs/"+id, nil).status)
		listed := fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Jobs", nil)
		require.Equal(t, status == 200, strings.Contains(listed.body, id))
	}
}
