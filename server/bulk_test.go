package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"satchel/schema/catalog"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// requireTwilioError requires a response with Twilio's error document.
func requireTwilioError(t *testing.T, a response, status, code int) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"), a.body)
	require.Empty(t, a.header.Get("Content-Encoding"))
	var p map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	require.Len(t, p, 4)
	require.EqualValues(t, code, p["code"])
	require.EqualValues(t, status, p["status"])
	require.NotEmpty(t, p["message"])
	require.Contains(t, p["more_info"], "/docs/errors/")
}

func TestEveryErrorUnderTwiliosPathsIsAnErrorDocument(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.handler.GET("/v1/Exports/Calls/panic", func(echo.Context) error { panic("by a test") })
	fx.handler.GET("/v1/Exports/Calls/broken", func(echo.Context) error { return io.ErrUnexpectedEOF })
	program, anonymous := fx.program(), fx.anonymous()
	wrong := fx.program()
	wrong.pass = "wrong"
	requireTwilioError(t, program.get("/v1/Exports/Calls/Nothing"), 404, 20404)
	requireTwilioError(t, anonymous.get("/v1/Exports/Nothing/at/all"), 404, 20404)
	requireTwilioError(t, program.do(http.MethodPut, "/v1/Exports/Calls/Jobs", nil), 405, 20004)
	requireTwilioError(t, anonymous.get("/v1/Exports/Calls/Jobs"), 401, 20003)
	requireTwilioError(t, wrong.get("/v1/Exports/Calls/Jobs"), 401, 20003)
	requireTwilioError(t, anonymous.get("/v1/Exports/Calls/Jobs", "Authorization", "Bearer x"), 401, 20003)
	requireTwilioError(t, fx.signedIn(fx.owner).get("/v1/Exports/Calls/Jobs"), 401, 20003)
	requireTwilioError(t, program.do(http.MethodPost, "/v1/Exports/Calls/Jobs", strings.NewReader(strings.Repeat("a", 64<<10+1)), "Content-Type", "application/x-www-form-urlencoded"), 413, 20413)
	requireTwilioError(t, program.do(http.MethodPost, "/v1/Exports/Calls/Jobs", strings.NewReader(strings.Repeat("a", 64<<10)), "Content-Type", "application/x-www-form-urlencoded"), 400, 20001)
	requireTwilioError(t, program.get("/v1/Exports/Calls/panic"), 500, 20500)
	requireTwilioError(t, program.get("/v1/Exports/Calls/broken"), 500, 20500)
	requireTwilioError(t, program.post("/v1/Exports/Calls/Jobs", nil, "Sec-Fetch-Site", "cross-site"), 403, 20403)
	requireTwilioError(t, anonymous.get("/files/DF/x"), 403, 20403)
	requireTwilioError(t, anonymous.get("/files"), 404, 20404)
	fx.exec(`update platform.accounts set suspended = true where sid = $1`, fx.account)
	requireTwilioError(t, program.get("/v1/Exports/Calls/Jobs"), 403, 20403)
	anonymous.get("/docs/errors/20429").requirePage(t, http.StatusOK, "Retry-After")
	require.Equal(t, 404, anonymous.get("/docs/errors/0").status)
}

func TestRateLimitsOfTwiliosPathsAreErrorDocuments(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(fx *fixture) { fx.settings.RateLimit = 1 })
	program := fx.program()
	var a response
	for range 200 {
		if a = program.get("/v1/Exports/Calls"); a.status != http.StatusOK {
			break
		}
	}
	requireTwilioError(t, a, 429, 20429)
	require.NotEmpty(t, a.header.Get("Retry-After"))
}

func TestADayFileIsNeverSentAsAContentEncoding(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withBucket)
	var zip bytes.Buffer
	z := gzip.NewWriter(&zip)
	for i := range 5000 {
		_, _ = z.Write([]byte(schema.NewJobID()[:2+i%30]))
	}
	require.NoError(t, z.Close())
	f := schema.NewDayFile{
		ID: schema.NewDayFileID(), Account: fx.account, Type: schema.Calls, Day: "2026-03-01", Records: 1,
		Size: int64(zip.Len()), SHA256: strings.Repeat("ab", 32), ReadAt: time.Now(), Retention: time.Hour,
	}
	recipient, wrapped, err := fx.deps.vault.NewKey(t.Context(), f.Account, f.ID)
	require.NoError(t, err)
	f.Wrapped = wrapped
	_, err = fx.deps.vault.Create(t.Context(), schema.DayFileObject(f.ID), recipient, func(to io.Writer) error {
		_, err := to.Write(zip.Bytes())
		return err
	})
	require.NoError(t, err)
	_, err = fx.deps.store.BulkExports().PublishDayFile(t.Context(), f)
	require.NoError(t, err)

	found := fx.program().get("/v1/Exports/Calls/Days/2026-03-01")
	require.Equal(t, http.StatusTemporaryRedirect, found.status, found.body)
	link := strings.TrimPrefix(found.header.Get("Location"), string(fx.settings.site))
	for _, accepts := range []string{"", "gzip", "gzip, deflate, br", "identity"} {
		a := fx.anonymous().get(link, "Accept-Encoding", accepts)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Empty(t, a.header.Values("Content-Encoding"))
		require.Equal(t, zip.Bytes(), []byte(a.body))
	}
	wrong := fx.program()
	wrong.pass = "wrong"
	require.Equal(t, http.StatusOK, wrong.get(link).status, "the link is the only authorization")
	policy := fx.handler.router.PolicyOfRoute(http.MethodGet, "/files/:id/:name")
	fx.handler.router.Add(http.MethodGet, "/files/probe", func(c echo.Context) error {
		_, bounded := c.Request().Context().Deadline()
		return c.JSON(http.StatusOK, bounded)
	}, policy)
	require.Equal(t, "false\n", fx.anonymous().get("/files/probe").body, "a download lasts as long as it makes progress")
	line := logged.linesWith(`"route":"/files/:id/:name"`)
	require.NotEmpty(t, line)
	require.NotContains(t, strings.Join(line, ""), "sig=", "links are not for logs")
}

func TestTwiliosRoutesAnswerBeforeTheClientLibrariesTimeOut(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.handler.GET("/v1/Exports/Calls/probe", func(c echo.Context) error {
		until, _ := c.Request().Context().Deadline()
		return c.JSON(http.StatusOK, time.Until(until) < 10*time.Second && time.Until(until) > 0)
	})
	require.Equal(t, "true\n", fx.program().get("/v1/Exports/Calls/probe").body)
}

func TestURLsInAnswersHaveTheHostOfTheRequest(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(fx *fixture) { fx.settings.anyHost = true })
	for _, day := range []schema.Day{"2026-03-01", "2026-03-02"} {
		_, err := fx.deps.store.BulkExports().PublishDayFile(t.Context(), schema.NewDayFile{
			ID: schema.NewDayFileID(), Account: fx.account, Type: schema.Calls, Day: day, Wrapped: []byte("w"), Retention: time.Hour, ReadAt: time.Now(),
		})
		require.NoError(t, err)
	}
	get := func(path string) map[string]any {
		req := httptest.NewRequest(http.MethodGet, "https://bulkexports.twilio.com"+path, nil)
		req.SetBasicAuth(fx.account, fx.token)
		var res httptest.ResponseRecorder
		res.Body = new(bytes.Buffer)
		fx.handler.ServeHTTP(&res, req)
		var v map[string]any
		require.NoError(t, json.Unmarshal(res.Body.Bytes(), &v), res.Body)
		return v
	}
	page := get("/v1/Exports/Calls/Days?PageSize=1")["meta"].(map[string]any)
	require.Contains(t, page["next_page_url"], "https://bulkexports.twilio.com/v1/Exports/Calls/Days?")
	require.Contains(t, get("/v1/Exports/Calls/Days/2026-03-01")["redirect_to"], "https://bulkexports.twilio.com/files/")
}

func TestWithoutBulkExportsTheirPagesAndAddressesDoNotExist(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]change{
		"BULK=off":               func(fx *fixture) { fx.settings.BulkExports = "off" },
		"a catalog without days": withOwnCatalog(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t, change)
			program := fx.program()
			for _, path := range []string{"/v1/Exports/Calls", "/v1/Exports/Calls/Jobs", "/v1/Exports/Calls/Days/2026-03-01", "/v1/Exports/Calls/Configuration"} {
				requireTwilioError(t, program.get(path), 404, 20404)
			}
			requireTwilioError(t, program.do(http.MethodDelete, "/v1/Archives/2026-03-01/Calls/CA"+strings.Repeat("ab", 16), nil), 404, 20404)
			require.Equal(t, 404, program.get("/v1/bulk/files").status)
			owner := fx.signedIn(fx.owner)
			require.Equal(t, 404, owner.get(bulkSettings).status)
			page := owner.get(settings)
			page.requirePage(t, 200, `id="tab-data-export"`)
			require.NotContains(t, page.body, "bulk-export")
		})
	}
}

// withOwnCatalog serves a company's own catalog, which has no folder days.
func withOwnCatalog(t *testing.T) change {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../schema/catalog")))
	require.NoError(t, os.CopyFS(filepath.Join(dir, "directory"), os.DirFS("../schema/directory")))
	return func(fx *fixture) {
		var err error
		fx.deps.catalog, err = catalog.Open(dir)
		require.NoError(fx.t, err)
	}
}
