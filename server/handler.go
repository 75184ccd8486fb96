package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"satchel/activities/program"
	"satchel/schema"
	"satchel/server/api"
	"satchel/server/auth"
	"satchel/server/bulk"
	"satchel/server/download"
	"satchel/server/limit"
	"satchel/server/respond"
	"satchel/server/web"
)

// handler is the whole server except its sockets.
type handler struct {
	*echo.Echo
	router  *respond.Router
	api     *api.API
	bulk    *bulk.Bulk
	web     *web.Web
	metrics *metrics
	ready   *program.Readiness
}

// newHandler makes all services and puts them behind the middleware.
func newHandler(s validated, d *deps, logger *slog.Logger) *handler {
	h := &handler{Echo: echo.New(), metrics: newMetrics(statsSource{d.store.AccountExports(), d.store.BulkExports()}), ready: d.readiness(s, logger)}
	authn := auth.New(auth.Options{
		Directory: d.directory, Sessions: d.store.Sessions(), Site: s.site, Host: s.host, Dev: d.devDirectory,
	})
	downloads := download.New(s.downloadLimits())
	h.api = api.New(api.Deps{
		Store: d.store.AccountExports(), Vault: d.vault, Temporal: d.temporal, Site: s.site, Windows: s.windows(),
		Secret: s.linkKey, ArchiveSchema: d.archiveSchema, OwnerOf: d.ownerOf, Downloads: downloads, ExportsPerHour: s.ExportsPerHour,
	})
	pages := web.NewPages(s.site, s.HasBulk(d.catalog), s.SupportContact)
	h.bulk = bulk.New(bulk.Options{
		Store: d.store.BulkExports(), Vault: d.vault, Temporal: d.temporal, Directory: d.directory, Links: schema.NewLinks(s.linkKey),
		Site: s.bulkSite(), TrustedProxies: s.proxies, CheckHook: d.hooks.Check, Limits: s.bulkLimits(),
		Off: !s.HasBulk(d.catalog), MinLagDays: s.MinLagDays, LinkTTL: s.LinkTTL, FetchStatus: s.DayFetchStatus, Explain: pages.Explain,
		Downloads: downloads, LinkRequests: newRequestLimit(limit.PrincipalRequests, s.RateLimit).all, ResendsPerEvent: s.ResendsPerEvent, ResendsPerAccount: s.ResendsPerAccount,
	})
	h.web = web.New(web.Options{
		Pages: pages, API: h.api, Bulk: h.bulk, Auth: authn, Exports: d.store.AccountExports(), Directory: d.directory,
		Links: schema.NewLinks(s.linkKey), Site: s.site, Windows: s.windows(), SignInURL: s.SignInURL, SettingsURL: s.SettingsURL, Note: d.catalog.Note,
		TemporalURL: d.temporalURL(s),
	})
	h.HideBanner, h.HidePort = true, true
	h.IPExtractor = clientAddress(s.proxies)
	h.HTTPErrorHandler = h.writeError
	h.router = respond.NewRouter(h.Echo)
	g := newGuard(s)
	h.Use(
		h.metrics.count,
		logRequests(logger),
		recoverPanics(logger),
		secure(strings.HasPrefix(string(s.site), "https://")),
		g.sameOrigin,
		middleware.BodyLimit("64KiB"),
		compress(),
		respond.TotalTimeout,
		authn.Identify,
		g.limitRequests,
		auth.Authorize,
	)
	h.register(authn)
	return h
}

// register adds all routes. Each states its policy.
func (h *handler) register(authn *auth.Auth) {
	probe := respond.Policy{Access: respond.Public, Format: respond.JSON, Unlimited: true, LogLevel: slog.LevelDebug}
	h.router.Read("/healthz", echo.WrapHandler(http.HandlerFunc(program.Alive)), probe)
	h.router.Read("/readyz", echo.WrapHandler(h.ready), probe)
	authn.Register(h.router)
	h.api.Register(h.router)
	h.bulk.Register(h.router)
	h.web.Register(h.router)
}

// writeError answers a request that failed, in the format of its route.
func (h *handler) writeError(err error, c echo.Context) {
	write := h.web.WriteError
	switch respond.FormatOf(c) {
	case respond.Twilio:
		write = h.bulk.WriteError
	case respond.JSON:
		write = respond.Problem
	}
	if err := write(c, err); err != nil {
		slog.WarnContext(c.Request().Context(), "error was not answered", "route", c.Path(), "err", err)
	}
}

// clientAddress finds the address of the client. X-Forwarded-For is only trusted
// from these proxies.
func clientAddress(proxies []netip.Prefix) echo.IPExtractor {
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

// compress is a middleware that compresses text, where the route's policy does
// not forbid it: streams, and what has an ETag of its own.
func compress() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		MinLength: 1024,
		Skipper:   func(c echo.Context) bool { return !respond.PolicyOf(c).Compressible() },
	})
}

// newServer makes an HTTP server. Its timeouts suit slow clients; streams set a
// deadline for each write instead.
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
