package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"satchel/schema"
	"satchel/server/api"
	"satchel/server/auth"
	"satchel/server/bulk"
	"satchel/server/web"
)

// handler is all of the server but the socket.
type handler struct {
	*echo.Echo
	api     *api.API
	bulk    *bulk.Bulk
	web     *web.Web
	metrics *metrics
	ready   *readiness
}

// newHandler plugs everything together.
func newHandler(s settled, p *parts, logger *slog.Logger) *handler {
	h := &handler{Echo: echo.New(), metrics: newMetrics(statsSource{p.store.AccountExports(), p.store.BulkExports()}), ready: newReadiness(p, logger)}
	who := auth.New(auth.Options{
		Directory: p.directory, Sessions: p.store.Sessions(), Site: s.site, Host: s.host, Dev: p.everybody,
		ByItself: byItself,
	})
	h.api = api.New(api.Deps{
		Store: p.store.AccountExports(), Vault: p.vault, Temporal: p.temporal, Site: s.site, Windows: s.windows(),
		Secret: s.linkKey, ArchiveSchema: p.archiveSchema,
	})
	h.bulk = bulk.New(bulk.Options{
		Store: p.store.BulkExports(), Vault: p.vault, Temporal: p.temporal, Directory: p.directory, Links: schema.NewLinks(s.linkKey),
		Site: s.bulkSite(), TrustedProxies: s.TrustedProxies, CheckHook: p.hooks.Check, Limits: s.bulkLimits(),
		MinLagDays: s.MinLagDays, LinkTTL: s.LinkTTL, FetchStatus: s.DayFetchStatus,
		Explain: func(c echo.Context, title string, paragraphs []string) error {
			return h.web.Explain(c, title, paragraphs)
		},
	})
	h.web = web.New(web.Options{
		API: h.api, Bulk: h.bulk, Auth: who, Exports: p.store.AccountExports(), Directory: p.directory,
		Links: schema.NewLinks(s.linkKey), Site: s.site, Windows: s.windows(), SignInURL: s.SignInURL, Note: p.catalog.Note,
		Operators: p.operators(s),
	})
	h.HideBanner, h.HidePort = true, true
	h.IPExtractor = addressOf(s.TrustedProxies)
	h.HTTPErrorHandler = h.answerError
	g := newGuard(s)
	h.Use(
		h.metrics.count,
		observe(logger),
		recoverPanics(logger),
		secure(strings.HasPrefix(string(s.site), "https://")),
		g.perAddress,
		g.sameOrigin,
		middleware.BodyLimit("64KiB"),
		compress(),
		unless(func(c echo.Context) bool { return isPublic(c) || !bulk.Speaks(c.Request()) }, api.Within(bulk.Answering)),
		unless(isPublic, inTime(who.Identify)),
		unless(func(c echo.Context) bool { return !isPublic(c) || isArchive(c.Path()) }, api.Within(answering)),
		unless(isPublic, g.perPrincipal),
	)
	h.routes(who)
	return h
}

// routes are everything there is, one line a family.
func (h *handler) routes(who *auth.Auth) {
	look := []string{http.MethodGet, http.MethodHead}
	h.Match(look, "/healthz", alive)
	h.Match(look, "/readyz", h.ready.answer)
	who.Routes(h.Echo)
	h.api.Register(h.Echo)
	h.bulk.Register(h.Echo)
	h.web.Register(h.Echo)
}

// alive answers GET /healthz: the process is up, whatever else is.
func alive(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// isPublic tells whether a route is for everybody, so that it need not know
// who asks and answers those, too, whom the others would refuse.
func isPublic(c echo.Context) bool {
	switch c.Path() {
	case "/healthz", "/readyz", "/openapi.json", auth.SessionPath, "/sign-out", "/dev/sign-in":
		return true
	}
	for _, prefix := range []string{"/static/", "/schemas/", "/files/", "/docs/"} { // a file's link says all
		if strings.HasPrefix(c.Path(), prefix) {
			return true
		}
	}
	return false
}

// forPrograms tells whether a request is answered in JSON when it fails:
// programs have paths of their own, and elsewhere they say so.
func forPrograms(r *http.Request) bool {
	for _, prefix := range []string{"/v1/", "/openapi.json", "/schemas/", "/healthz", "/readyz"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return true
		}
	}
	return r.URL.Path == auth.SessionPath && r.Header.Get(echo.HeaderAuthorization) != "" || web.WantsJSON(r)
}

// answerError answers a request that failed, in words for whoever asked.
func (h *handler) answerError(err error, c echo.Context) {
	answer := h.web.WriteError
	switch {
	case bulk.Speaks(c.Request()):
		answer = h.bulk.WriteError
	case forPrograms(c.Request()):
		answer = api.WriteProblem
	}
	if err := answer(c, err); err != nil {
		slog.WarnContext(c.Request().Context(), "error was not answered", "route", c.Path(), "err", err)
	}
}

// addressOf finds the address of whoever asks. What X-Forwarded-For says is
// believed only of the proxies named.
func addressOf(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		p = p.Masked()
		trust = append(trust, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// compress sends text compressed, except what is a stream, is compressed
// already, or has an ETag that would no longer be true.
func compress() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		MinLength: 1024,
		Skipper: func(c echo.Context) bool {
			return isStream(c.Path()) || strings.HasPrefix(c.Path(), "/static/")
		},
	})
}

// isStream tells whether a route's answers may go on for long.
func isStream(route string) bool {
	return strings.HasSuffix(route, "/events") || isArchive(route)
}

// byItself tells whether a page sends a request by itself, so that looking at
// one for long keeps nobody signed in.
func byItself(c echo.Context) bool {
	return strings.HasPrefix(c.Path(), "/settings/") && (strings.HasSuffix(c.Path(), "/live") || strings.HasSuffix(c.Path(), "/events"))
}

// isArchive tells whether a route's answer is a customer's file.
func isArchive(route string) bool {
	return strings.HasSuffix(route, "/archive") || strings.HasSuffix(route, "/file") ||
		strings.HasPrefix(route, "/download/") || strings.HasPrefix(route, "/files/")
}

// unless leaves a middleware out where skip says so.
func unless(skip func(echo.Context) bool, m echo.MiddlewareFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		through := m(next)
		return func(c echo.Context) error {
			if skip(c) {
				return next(c)
			}
			return through(c)
		}
	}
}

// answering is how long an answer to everybody may take, and recognising how
// long finding out who asks for more.
const (
	answering   = 15 * time.Second
	recognising = 10 * time.Second
)

// inTime bounds the time that a middleware takes, and not that of what comes
// after it.
func inTime(m echo.MiddlewareFunc) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			whole := c.Request()
			ctx, cancel := context.WithTimeout(whole.Context(), recognising)
			defer cancel()
			c.SetRequest(whole.WithContext(ctx))
			defer c.SetRequest(whole)
			return m(func(c echo.Context) error {
				cancel()
				c.SetRequest(whole)
				return next(c)
			})(c)
		}
	}
}

// newServer serves the handler with patience for slow clients, and little for
// idle ones. Streams give each write a deadline of its own.
func newServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
