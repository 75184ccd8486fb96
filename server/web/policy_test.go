package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/respond"
)

func TestEachRouteStatesWhoMayUseIt(t *testing.T) {
	t.Parallel()
	e := echo.New()
	router := respond.NewRouter(e)
	testWeb().Register(router)
	tokenRoutes := 0
	for _, route := range e.Routes() {
		if strings.HasPrefix(route.Method, "echo_") {
			continue
		}
		p, what := router.PolicyOfRoute(route.Method, route.Path), route.Method+" "+route.Path
		require.Equal(t, respond.Page, p.Format, what)
		require.False(t, p.Unlimited, what)
		require.Equal(t, route.Method == http.MethodPost && route.Path == "/unsubscribe/:token", p.FromAnySite, what)
		require.False(t, p.FromHostSite, "%s: a page of another site must not submit our forms", what)
		require.Equal(t, strings.HasSuffix(route.Path, "/live") || strings.HasSuffix(route.Path, "/events"), p.Background, what)
		require.Equal(t, strings.HasSuffix(route.Path, "/events"), p.Streaming, what)
		require.Equal(t, strings.HasSuffix(route.Path, "/file") || strings.HasSuffix(route.Path, "/zip") || strings.HasPrefix(route.Path, "/download/"), p.File, what)
		switch {
		case strings.HasPrefix(route.Path, "/static/"):
			require.Equal(t, respond.Public, p.Access, what)
		case (route.Path == dataExport || route.Path == bulkExport) && route.Method != http.MethodPost:
			require.Equal(t, respond.SignedIn, p.Access, "%s: members see who may export", what)
		case strings.HasPrefix(route.Path, "/settings/"):
			require.Equal(t, respond.Exporter, p.Access, what)
		default:
			if strings.Contains(route.Path, ":token") {
				tokenRoutes++
			}
			require.Equal(t, respond.Anyone, p.Access, what)
		}
	}
	require.Equal(t, 3*3+2, tokenRoutes, "the handlers of these check the link")
}

func TestLinksOpenOnlyForTheirPurpose(t *testing.T) {
	t.Parallel()
	links := schema.NewLinks([]byte(strings.Repeat("k", 32)))
	w := New(Options{Pages: testWeb().Pages, Links: links, Exports: noExports{}, Note: func(schema.Category) string { return "" }})
	request := func(token string) echo.Context {
		c := echo.New().NewContext(httptest.NewRequest(http.MethodPost, "/", nil), httptest.NewRecorder())
		c.SetParamNames("token")
		c.SetParamValues(token)
		return c
	}
	export := schema.NewExportID()
	for purpose, handler := range map[schema.Purpose]echo.HandlerFunc{
		schema.ToConfirm: w.confirm, schema.ToStop: w.stop, schema.ToDownload: w.download,
	} {
		for _, other := range []schema.Purpose{schema.ToConfirm, schema.ToStop, schema.ToDownload} {
			if other != purpose {
				require.Equal(t, schema.NotFound, schema.KindOf(handler(request(links.Token(other, export, 1)))), "%s with a link to %s", purpose, other)
			}
		}
		for _, token := range []string{"", "x", links.Token(schema.ToUnsubscribe, schema.NewUserID(), 1), links.Token(purpose, export, 1)[:69]} {
			require.Equal(t, schema.NotFound, schema.KindOf(handler(request(token))), purpose)
		}
	}
	for purpose, handler := range map[schema.Purpose]echo.HandlerFunc{schema.ToConfirm: w.confirm, schema.ToStop: w.stop, schema.ToDownload: w.download} {
		require.Equal(t, schema.Unauthenticated, schema.KindOf(handler(request(links.Token(purpose, export, 1)))), "%s: the link alone is not enough", purpose)
	}
}

// noExports is a database without exports.
type noExports struct{ Exports }

func (noExports) Export(context.Context, string) (schema.Export, error) {
	return schema.Export{}, schema.Errorf(schema.NotFound, schema.CodeNotFound, "There is no such export.")
}
