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
	w := newWorld(t)
	for _, c := range []struct {
		method, path, accept string
		status               int
		html                 bool
	}{
		{"GET", "/nowhere", "", 404, true},
		{"GET", "/nowhere", "text/html,application/json", 404, true},
		{"GET", "/nowhere", "application/json", 404, false},
		{"GET", "/v1/nowhere", "text/html", 404, false},
		{"GET", "/v1/account/exports", "text/html", 401, false},
		{"GET", settings, "text/html", 401, true},
		{"GET", settings, "application/problem+json", 401, false},
		{"PUT", settings, "", 405, true},
		{"PATCH", "/v1/account/exports", "", 405, false},
		{"GET", "/static/nowhere", "", 404, true},
	} {
		a := w.nobody().do(c.method, c.path, nil, "Accept", c.accept)
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
	require.Equal(t, "Bearer", w.nobody().get(settings).header.Get("WWW-Authenticate"), "a browser must not ask by itself")
	post := w.nobody().do(http.MethodPost, "/session", nil, "Authorization", "Bearer x")
	require.Equal(t, http.StatusUnauthorized, post.status)
	require.Equal(t, "application/problem+json", post.header.Get("Content-Type"))
}

func TestAwayPartsAreA503WithSomethingToWaitFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // Temporal is away
	now := time.Now()
	w.written(schema.Export{ID: schema.NewExportID(), Account: w.account, RequestedBy: w.owner, RequestedAt: now, ConfirmBy: now.Add(time.Hour)})
	owner := w.as(w.owner)
	owner.get(settings).says(t, http.StatusOK, "Confirm it from your mail") // what is written can be read all the same
	refused := owner.post(settings, nil)
	refused.says(t, http.StatusServiceUnavailable, "Nothing was lost")
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	api := owner.do(http.MethodPost, "/v1/account/exports", nil)
	require.Equal(t, http.StatusServiceUnavailable, api.status)
	require.NotEmpty(t, api.header.Get("Retry-After"))

}

func TestADatabaseThatIsAwayIsA503(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal, func(w *world) {
		require.NoError(w.t, w.deps.store.Close())
		var err error
		w.deps.store, err = store.Open("postgres://satchel@127.0.0.1:1/satchel?sslmode=disable", 2)
		require.NoError(w.t, err)
	})
	confirm := "/confirm/" + w.links.Token(schema.ToConfirm, schema.NewExportID(), 1)
	for _, a := range []answer{
		w.program().get(settings), w.program().post(settings, nil), w.nobody().get(confirm),
		w.nobody().get(settings, "Cookie", "satchel_session=somebody"),
	} {
		a.says(t, http.StatusServiceUnavailable, "Nothing was lost")
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
}

func TestAServerThatMayNotReadTheColumnsSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) {
		role := "stranger_" + strings.ToLower(rand.Text())
		w.exec(`create role ` + role + ` login password 'none'`)
		at, err := url.Parse(w.settings.DatabaseURL)
		require.NoError(w.t, err)
		at.User = url.UserPassword(role, "none")
		require.NoError(w.t, w.deps.source.Close())
		w.deps.source, err = source.Open(w.t.Context(), at.String(), 2)
		require.NoError(w.t, err)
		w.exec(`grant usage on schema platform to ` + role)
		w.t.Cleanup(func() { w.exec(`drop owned by ` + role); w.exec(`drop role ` + role) })
	})
	a := w.nobody().get("/schemas/account-export-1.0.json")
	require.Equal(t, http.StatusServiceUnavailable, a.status, a.body)
	require.Contains(t, a.body, `"schema_unavailable"`)
	require.NotEmpty(t, a.header.Get("Retry-After"))
}

func TestPanicsAreOurFaultAndTellNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler.GET("/panics", func(echo.Context) error { panic("ada@example.com") })
	w.handler.GET("/panics-of-go", func(echo.Context) error { var none []string; return echo.NewHTTPError(200, none[len(none)]) })
	w.handler.GET("/cut", func(c echo.Context) error {
		c.Response().WriteHeader(http.StatusOK)
		c.Response().Flush()
		panic(http.ErrAbortHandler)
	})
	a := w.nobody().get("/panics")
	a.says(t, http.StatusInternalServerError, "our side", a.header.Get("X-Request-Id"))
	require.NotContains(t, a.body, "ada@")
	require.NotContains(t, strings.Join(logged.linesWith(a.header.Get("X-Request-Id")), ""), "ada@")
	require.Len(t, logged.linesWith(`"msg":"panic"`, a.header.Get("X-Request-Id")), 1)

	a = w.nobody().get("/panics-of-go")
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.NotEmpty(t, logged.linesWith("index out of range", a.header.Get("X-Request-Id")))

	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+"/cut", nil)
	require.NoError(t, err)
	res, err := w.nobody().http.Do(req)
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
	w := newWorld(t, withTemporal)
	e := w.asked(w.owner)
	owner := w.as(w.owner)
	token := w.links.Token(schema.ToConfirm, e.ID, 1)
	owner.get("/confirm/" + token)
	owner.post("/confirm/"+token, nil)
	w.nobody().get("/confirm/" + token)
	w.nobody().get("/confirm/" + token + "/nowhere")
	w.nobody().get("/sign-in?return=/confirm/" + token)
	w.nobody().do(token, "/", nil)
	stop, download := w.links.Token(schema.ToStop, e.ID, 1), w.links.Token(schema.ToDownload, e.ID, 1)
	owner.get("/stop/" + stop)
	owner.get("/download/" + download)
	w.program().get("/v1/account/exports/" + e.ID)
	w.nobody().get("/v1/account/exports", "Authorization", "Bearer "+token)
	w.nobody().get(settings, "Cookie", "satchel_session="+token)

	eventually(t, "all lines are written", func() bool { return len(logged.linesWith(`"msg":"request"`, w.account)) >= 5 })
	all := logged.String()
	for name, secret := range map[string]string{
		"confirm": token, "stop": stop, "download": download, "auth token": w.token,
		"name": "Analytical Engines", "address": w.owner + "@example.com",
	} {
		require.False(t, strings.Contains(all, secret), name)
	}
	for _, half := range []string{token[:22], token[22:], stop[22:], download[22:]} {
		require.False(t, strings.Contains(all, half), "nor a part of one")
	}
	line := logged.linesWith(`"route":"/v1/account/exports/:id"`, e.ID)
	require.Len(t, line, 1)
	var told map[string]any
	require.NoError(t, json.Unmarshal([]byte(line[0]), &told))
	require.Equal(t, "GET", told["method"])
	require.EqualValues(t, 200, told["status"])
	require.Equal(t, w.account, told["account"])
	require.Equal(t, w.account, told["credential"])
	require.Equal(t, e.ID, told["export"])
	require.Greater(t, told["ms"], 0.0)
	require.NotEmpty(t, told["request_id"])
	require.Len(t, logged.linesWith(`"route":"/confirm/:token"`, `"method":"POST"`, w.account), 1)
}

func TestWhoeverLeavesBeforeTheAnswerIsCountedAsSuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler.GET("/slow", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/slow", nil)
	require.NoError(t, err)
	res, err := w.nobody().http.Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	require.Error(t, err)
	eventually(t, "the line is written", func() bool { return len(logged.linesWith(`"route":"/slow"`, `"status":499`)) == 1 })
}
