package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/schema/store/source"
)

func TestBrowsersGetPagesAndProgramsGetProblems(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for _, c := range []struct {
		method, path, accept string
		status               int
		html                 bool
	}{
		{"GET", "/nowhere", "", 404, true},
		{"GET", "/nowhere", "text/html,application/json", 404, true},
		{"GET", "/nowhere", "application/json", 404, false},
		{"GET", "/v1/account/nowhere", "text/html", 404, false},
		{"GET", "/v1/account/exports", "text/html", 401, false},
		{"GET", settings, "text/html", 401, true},
		{"GET", settings, "application/problem+json", 401, false},
		{"PUT", settings, "", 405, true},
		{"PATCH", "/v1/account/exports", "", 405, false},
		{"GET", "/static/nowhere", "", 404, true},
	} {
		a := fx.anonymous().do(c.method, c.path, nil, "Accept", c.accept)
		require.Equal(t, c.status, a.status, "%v: %s", c, a.body)
		if c.html {
			require.Contains(t, a.header.Get("Content-Type"), "text/html", c)
			require.Contains(t, a.body, "<h1>")
			require.NotContains(t, a.body, "Allow header", "that is for programs")
			continue
		}
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), c)
		require.True(t, json.Valid([]byte(a.body)))
	}
	require.Equal(t, "Bearer", fx.anonymous().get(settings).header.Get("WWW-Authenticate"), "Basic would make browsers open a dialog")
	for status, header := range map[string][]string{
		"a browser":        {"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"},
		"an older browser": {"Cookie", "session=x"},
		"a program":        nil,
	} {
		offered := fx.anonymous().get("/v1/account/exports", header...).header.Values("WWW-Authenticate")
		require.Equal(t, "Bearer", offered[0], status)
		require.Equal(t, header == nil, len(offered) == 2 && strings.HasPrefix(offered[1], "Basic "), "%s: %v", status, offered)
	}
	post := fx.anonymous().do(http.MethodPost, "/session", nil, "Authorization", "Bearer x")
	require.Equal(t, http.StatusUnauthorized, post.status)
	require.Equal(t, "application/problem+json", post.header.Get("Content-Type"))
}

func TestALockedDatabaseIsA503WithRetryAfter(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner, program := fx.signedIn(fx.owner), fx.program()
	fx.exec(`do $$ begin execute format($q$alter database %I set lock_timeout to '100ms'$q$, current_database()); end $$`)
	fx.exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
	requireBusy := func(a response, what string) {
		require.Equal(t, http.StatusServiceUnavailable, a.status, "%s: %s", what, a.body)
		require.NotEmpty(t, a.header.Get("Retry-After"), what)
	}

	lock, err := fx.rows.Begin()
	require.NoError(t, err)
	_, err = lock.Exec(`lock table satchel.exports, satchel.jobs in access exclusive mode`)
	require.NoError(t, err)
	requireBusy(program.get("/v1/account/exports"), "the list")
	requireBusy(program.get("/v1/account/exports/"+e.ID), "an export")
	requireBusy(owner.get(settings), "the page")
	requireBusy(owner.get("/settings/bulk-export"), "the page of jobs")
	requireBusy(program.get("/v1/Exports/Calls/Jobs"), "the list of jobs")
	requireBusy(owner.post(settings+"/"+e.ID+"/resend", nil), "sending an email again")
	requireBusy(program.post("/v1/account/exports/"+e.ID+"/confirmation", nil, "Content-Type", "application/json"), "the same, by a program")
	require.NoError(t, lock.Rollback())
	require.Equal(t, http.StatusOK, program.get("/v1/account/exports").status)
}

func TestAnUnavailableDependencyIsA503WithRetryAfter(t *testing.T) {
	t.Parallel()
	fx := newFixture(t) // Temporal is unavailable
	now := time.Now()
	fx.insertExport(schema.Export{ID: schema.NewExportID(), Account: fx.account, RequestedBy: fx.owner, RequestedAt: now, ConfirmBy: now.Add(time.Hour)})
	owner := fx.signedIn(fx.owner)
	owner.get(settings).requirePage(t, http.StatusOK, "Confirm it from your email") // what is written can be read all the same
	refused := owner.post(settings, nil)
	refused.requirePage(t, http.StatusServiceUnavailable, "Nothing was lost")
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	api := owner.do(http.MethodPost, "/v1/account/exports", nil)
	require.Equal(t, http.StatusServiceUnavailable, api.status)
	require.NotEmpty(t, api.header.Get("Retry-After"))

}

func TestAnUnavailableDatabaseIsA503(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal, func(fx *fixture) {
		require.NoError(fx.t, fx.deps.store.Close())
		var err error
		fx.deps.store, err = store.Open("postgres://satchel@127.0.0.1:1/satchel?sslmode=disable", 2)
		require.NoError(fx.t, err)
	})
	confirm := "/confirm/" + fx.links.Token(schema.ToConfirm, schema.NewExportID(), 1)
	for _, a := range []response{
		fx.program().get(settings), fx.program().post(settings, nil), fx.anonymous().get(confirm),
		fx.anonymous().get(settings, "Cookie", "satchel_session=unknown"),
	} {
		a.requirePage(t, http.StatusServiceUnavailable, "Nothing was lost")
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
}

func TestAMissingPrivilegeOnTheColumnsIsA503ThatSaysSo(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(fx *fixture) {
		role := "stranger_" + strings.ToLower(rand.Text())
		fx.exec(`create role ` + role + ` login password 'none'`)
		at, err := url.Parse(fx.settings.DatabaseURL)
		require.NoError(fx.t, err)
		at.User = url.UserPassword(role, "none")
		require.NoError(fx.t, fx.deps.source.Close())
		fx.deps.source, err = source.Open(fx.t.Context(), at.String(), 2)
		require.NoError(fx.t, err)
		fx.exec(`grant usage on schema platform to ` + role)
		fx.t.Cleanup(func() { fx.exec(`drop owned by ` + role); fx.exec(`drop role ` + role) })
	})
	a := fx.anonymous().get("/schemas/account-export-1.0.json")
	require.Equal(t, http.StatusServiceUnavailable, a.status, a.body)
	require.Contains(t, a.body, `"schema_unavailable"`)
	require.NotEmpty(t, a.header.Get("Retry-After"))
}

func TestPanicsAreInternalErrorsThatRevealNothing(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.handler.GET("/panics", func(echo.Context) error { panic("ada@example.com") })
	fx.handler.GET("/panics-of-go", func(echo.Context) error { var none []string; return echo.NewHTTPError(200, none[len(none)]) })
	fx.handler.GET("/cut", func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusOK)
		c.Response().Flush()
		panic(http.ErrAbortHandler)
	})
	a := fx.anonymous().get("/panics")
	a.requirePage(t, http.StatusInternalServerError, "our side", a.header.Get("X-Request-Id"))
	require.NotContains(t, a.body, "ada@")
	require.NotContains(t, strings.Join(logged.linesWith(a.header.Get("X-Request-Id")), ""), "ada@")
	require.Len(t, logged.linesWith(`"msg":"panic"`, a.header.Get("X-Request-Id")), 1)

	a = fx.anonymous().get("/panics-of-go")
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.NotEmpty(t, logged.linesWith("index out of range", a.header.Get("X-Request-Id")))

	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, fx.url+"/cut", nil)
	require.NoError(t, err)
	res, err := fx.anonymous().http.Do(req)
	require.NoError(t, err)
	_, err = new(bytes.Buffer).ReadFrom(res.Body)
	require.Error(t, err, "a cut answer must not look whole")
	_ = res.Body.Close()
	eventually(t, "the line is written", func() bool {
		return len(logged.linesWith(`"cut":true`, res.Header.Get("X-Request-Id"))) == 1
	})
}

func TestLogsHoldIDsAndRoutesAndNeitherTokensNorNames(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	e := fx.pendingExport(fx.owner)
	owner := fx.signedIn(fx.owner)
	token := fx.links.Token(schema.ToConfirm, e.ID, 1)
	owner.get("/confirm/" + token)
	owner.post("/confirm/"+token, nil)
	fx.anonymous().get("/confirm/" + token)
	fx.anonymous().get("/confirm/" + token + "/nowhere")
	fx.anonymous().get("/sign-in?return=/confirm/" + token)
	fx.anonymous().do(token, "/", nil)
	stop, download := fx.links.Token(schema.ToStop, e.ID, 1), fx.links.Token(schema.ToDownload, e.ID, 1)
	owner.get("/stop/" + stop)
	owner.get("/download/" + download)
	fx.program().get("/v1/account/exports/" + e.ID)
	fx.anonymous().get("/v1/account/exports", "Authorization", "Bearer "+token)
	fx.anonymous().get(settings, "Cookie", "satchel_session="+token)

	eventually(t, "all lines are written", func() bool { return len(logged.linesWith(`"msg":"request"`, fx.account)) >= 5 })
	all := logged.String()
	for name, secret := range map[string]string{
		"confirm": token, "stop": stop, "download": download, "auth token": fx.token,
		"name": "Analytical Engines", "address": fx.owner + "@example.com",
	} {
		require.False(t, strings.Contains(all, secret), name)
	}
	for _, half := range []string{token[:22], token[22:], stop[22:], download[22:]} {
		require.False(t, strings.Contains(all, half), "nor a part of one")
	}
	line := logged.linesWith(`"route":"/v1/account/exports/:id"`, e.ID)
	require.Len(t, line, 1)
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(line[0]), &fields))
	require.Equal(t, "GET", fields["method"])
	require.EqualValues(t, 200, fields["status"])
	require.Equal(t, fx.account, fields["account"])
	require.Equal(t, fx.account, fields["credential"])
	require.Equal(t, e.ID, fields["export"])
	require.Greater(t, fields["ms"], 0.0)
	require.NotEmpty(t, fields["request_id"])
	require.Len(t, logged.linesWith(`"route":"/confirm/:token"`, `"method":"POST"`, fx.account), 1)
}

func TestAClientThatLeavesBeforeTheAnswerIsLoggedAs499(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.handler.GET("/slow", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fx.url+"/slow", nil)
	require.NoError(t, err)
	res, err := fx.anonymous().http.Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	require.Error(t, err)
	eventually(t, "the line is written", func() bool { return len(logged.linesWith(`"route":"/slow"`, `"status":499`)) == 1 })
}
