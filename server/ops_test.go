package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/migrations"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/server/limit"
)

func (fx *fixture) readiness() (int, map[string]string) {
	fx.t.Helper()
	a := fx.anonymous().get("/readyz")
	var body struct {
		Status string
		Parts  map[string]string
	}
	require.NoError(fx.t, json.Unmarshal([]byte(a.body), &body), a.body)
	require.Equal(fx.t, a.status == http.StatusOK, body.Status == "ready")
	return a.status, body.Parts
}

func TestReadinessSaysThatNobodyCanSignInWithTheKeysAtThisAddress(t *testing.T) {
	t.Parallel()
	answer := atomic.Pointer[string]{}
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, *answer.Load())
	}))
	t.Cleanup(host.Close)
	page, keys := "<html>Acme</html>", `{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	answer.Store(&page)
	fx := newFixture(t, withTemporal, withBucket, func(fx *fixture) {
		fx.settings.JWKSURL = host.URL
		fx.settings.host = auth.Host{JWKSURL: host.URL, Issuer: "https://app.example.com", Audience: "satchel"}
	})
	a := fx.anonymous().get("/readyz")
	a.requireContract(t, http.MethodGet, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, a.body, `"signIn":"JWKS_URL leads to no keys`)
	answer.Store(&keys)
	eventually(t, "it is mended", func() bool {
		status, parts := fx.readiness()
		return status == http.StatusOK && parts["signIn"] == "ok"
	})
}

func TestReadinessNamesTheStateOfEachDependency(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal, withBucket)
	status, parts := fx.readiness()
	require.Equal(t, map[string]string{"database": "ok", "sourceDatabase": "ok", "storage": "ok", "temporal": "ok"}, parts)
	require.Equal(t, http.StatusOK, status)

	fx.exec(`delete from public.satchel_migrations where version_id = (select max(version_id) from public.satchel_migrations)`)
	eventually(t, "the missing migration is seen", func() bool {
		status, parts = fx.readiness()
		return parts["database"] == "wrong" && status == http.StatusServiceUnavailable
	})
	require.NoError(t, migrations.Apply(t.Context(), fx.settings.DatabaseURL, migrations.Platform)) // others do not count
	require.Equal(t, http.StatusOK, fx.anonymous().get("/healthz").status, "the process is up")

	fx = newFixture(t)
	status, parts = fx.readiness()
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, map[string]string{"database": "ok", "sourceDatabase": "ok", "storage": "away", "temporal": "away"}, parts)

	fx.handler.ready.Stop()
	require.Contains(t, fx.anonymous().get("/readyz").body, `"stopping"`)
}

func TestMetricsDoNotWaitForADatabaseThatHangs(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	began := time.Now()
	newMetrics(frozen{t.Context().Done()}).handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, http.StatusOK, recorder.Code)
	require.Contains(t, recorder.Body.String(), "go_goroutines")
	require.NotContains(t, recorder.Body.String(), "satchel_exports{")
	require.Contains(t, recorder.Body.String(), `satchel_counted_timestamp_seconds{of="exports"} 0`)
}

func TestMetricsKeepTheLastCountsAndSayHowOldTheyAre(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	s := newStatsCollector(countsUntil{&failing})
	scrape := func() string {
		registry := prometheus.NewRegistry()
		registry.MustRegister(s)
		recorder := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return recorder.Body.String()
	}
	const jobs, files = "satchel_bulk_jobs_unfinished 7", `satchel_exports{status="pending"} 5`
	first := scrape()
	require.Contains(t, first, jobs)
	require.Contains(t, first, files)
	require.Regexp(t, `satchel_counted_timestamp_seconds\{of="bulk"\} [1-9]`, first)

	failing.Store(true)
	old := time.Now().Add(-time.Hour)
	for _, part := range s.parts {
		part.at = old
	}
	later := scrape()
	require.Contains(t, later, jobs)
	require.Contains(t, later, files)
	for _, part := range s.parts {
		_, at := part.latest()
		require.InDelta(t, float64(old.UnixMilli())/1000, at, 0.01, "the age of the counts is seen")
	}
}

// countsUntil counts exports and jobs until it fails.
type countsUntil struct{ failing *atomic.Bool }

func (c countsUntil) BulkStats(context.Context) (store.BulkStats, error) {
	if c.failing.Load() {
		return store.BulkStats{}, errors.New("statement timeout")
	}
	return store.BulkStats{Jobs: 7}, nil
}

func (c countsUntil) ExportStats(context.Context) (store.ExportStats, error) {
	if c.failing.Load() {
		return store.ExportStats{}, errors.New("statement timeout")
	}
	return store.ExportStats{Count: map[schema.Status]int64{schema.Pending: 5}}, nil
}

func TestEveryLimitIsInTheMetricsAndInTheDocumentationFromTheStart(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	over := make(chan struct{})
	close(over)
	newMetrics(frozen{over}).handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := os.ReadFile("../docs/limits.md")
	require.NoError(t, err)
	for _, name := range limit.Names {
		require.Contains(t, recorder.Body.String(), `satchel_limited_total{limit="`+string(name)+`"} `)
		require.Contains(t, string(text), "| `"+string(name)+"` |")
	}
}

// frozen is a store that never answers.
type frozen struct{ over <-chan struct{} }

func (f frozen) BulkStats(context.Context) (store.BulkStats, error) {
	<-f.over
	return store.BulkStats{}, nil
}

func (f frozen) ExportStats(context.Context) (store.ExportStats, error) {
	<-f.over
	return store.ExportStats{}, nil
}

func TestMetricsCountRequestsAndExports(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	fx.pendingExport(fx.owner)
	fx.exec(`update satchel.exports set requested_at = now() - interval '1 hour'`)
	fx.exec(`insert into satchel.jobs (id, account_sid, resource_type, friendly_name, start_day, end_day, requested_by)
		values ('JS00000000000000000000000000000000', 'AC', 'Calls', 'some', '2026-03-01', '2026-03-01', '')`)
	fx.exec(`insert into satchel.day_files (account_sid, resource_type, day, id, records, size, sha256, expires_at)
		values ('AC', 'Calls', '2026-03-01', 'DF00000000000000000000000000000000', 0, 23, '', now() + interval '1 day')`)
	fx.anonymous().get("/confirm/x")
	fx.anonymous().get("/a-made-up-path")
	fx.anonymous().do("MADEUP", "/", nil)
	fx.program().get("/v1/account/exports")

	recorder := httptest.NewRecorder()
	fx.handler.metrics.handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := recorder.Body.String()
	for _, line := range []string{
		`satchel_exports{status="pending"} 1`,
		`satchel_exports{status="completed"} 0`,
		`satchel_http_request_seconds_count{method="GET",route="/confirm/:token",status="404"} 1`,
		`satchel_http_request_seconds_count{method="GET",route="/v1/account/exports",status="200"} 1`,
		`satchel_http_request_seconds_count{method="GET",route="none",status="404"} 1`,
		`method="other"`,
		`satchel_http_requests_in_flight 0`,
		`satchel_bulk_jobs_unfinished 1`,
		`satchel_day_file_bytes 23`,
		`satchel_webhooks_pending 0`,
		`go_goroutines`,
	} {
		require.Contains(t, text, line)
	}
	require.Regexp(t, `satchel_oldest_unfinished_export_seconds 36\d\d`, text)
	require.NotContains(t, text, "a-made-up-path")
	require.NotContains(t, text, "MADEUP")

	require.NoError(t, fx.deps.store.Close())
	recorder = httptest.NewRecorder()
	fx.handler.metrics.handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, recorder.Code, "the other metrics need no database")
	require.Contains(t, recorder.Body.String(), "satchel_http_request_seconds_count")
	require.Contains(t, recorder.Body.String(), `satchel_exports{status="pending"} 1`, "the last count")
	require.Equal(t, http.StatusNotFound, fx.anonymous().get("/metrics").status, "not where customers are")
}

func TestStaticFilesAreKeptByBrowsers(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	v := fx.anonymous()
	page := v.get("/sign-in").body
	_, rest, found := strings.Cut(page, `rel="stylesheet" href="`)
	require.True(t, found)
	address, _, _ := strings.Cut(rest, `"`)
	css := v.get(address)
	require.Equal(t, http.StatusOK, css.status)
	require.Contains(t, css.header.Get("Content-Type"), "text/css")
	require.Contains(t, css.header.Get("Cache-Control"), "immutable")
	require.Equal(t, http.StatusNotModified, v.get(address, "If-None-Match", css.header.Get("ETag")).status)
	zipped := v.get(address, "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", zipped.header.Get("Content-Encoding"))
	require.NotEqual(t, css.header.Get("ETag"), zipped.header.Get("ETag"))
	require.Less(t, len(zipped.body), len(css.body))
	old := v.get("/static/site.css?v=0")
	require.NotContains(t, old.header.Get("Cache-Control"), "immutable")
	require.Equal(t, http.StatusNotFound, v.get("/static/..%2fweb.go").status)
}

func TestHeadIsAnsweredWhereverGetIs(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	gets, heads := map[string]bool{}, map[string]bool{}
	for _, route := range fx.handler.Routes() {
		switch route.Method {
		case http.MethodGet:
			gets[route.Path] = true
		case http.MethodHead:
			heads[route.Path] = true
		}
	}
	for path := range gets {
		live := strings.HasSuffix(path, "/events") && path != "/v1/bulk/events" || strings.HasSuffix(path, "/live")
		require.Equal(t, !live && path != "/dev/sign-in", heads[path], path)
	}
	for path := range heads {
		require.True(t, gets[path], path)
	}
	program := fx.program()
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/v1/account/exports", "/v1/Exports/Calls/Days", "/v1/bulk/files"} {
		get, head := program.get(path), program.do(http.MethodHead, path, nil)
		require.Equal(t, get.status, head.status, path)
		require.Empty(t, head.body)
		require.Equal(t, get.header.Get("Content-Type"), head.header.Get("Content-Type"), path)
	}
}

func TestOnlyTheLivePartsOfPagesAreBackgroundRequests(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	var found []string
	for _, route := range fx.handler.Routes() {
		if fx.handler.router.PolicyOfRoute(route.Method, route.Path).Background {
			found = append(found, route.Path)
		}
	}
	require.ElementsMatch(t, []string{settings + "/live", settings + "/:id/events", "/settings/bulk-export/live"}, found)
}
