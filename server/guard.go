package main

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/limit"
)

// guard turns away who asks too often, and what another site's page asks in
// the name of its visitor.
type guard struct {
	reads, changes       *limit.Buckets // by address
	readsOf, changesOf   *limit.Buckets // by principal
	strict, fromHostSite *http.CrossOriginProtection
}

func newGuard(s settled) *guard {
	buckets := func(perSecond float64) *limit.Buckets {
		return limit.New(perSecond, int(max(5*perSecond, 10)), time.Now)
	}
	g := &guard{
		reads: buckets(s.RateLimit), changes: buckets(s.RateLimit / 10),
		readsOf: buckets(s.RateLimit), changesOf: buckets(s.RateLimit / 10),
		strict: http.NewCrossOriginProtection(), fromHostSite: http.NewCrossOriginProtection(),
	}
	own := originOf(string(s.site))
	g.trust(g.strict, own)
	g.trust(g.fromHostSite, own)
	g.trust(g.fromHostSite, originOf(s.SignInURL))
	return g
}

// trust believes requests from an origin that stands in our configuration.
func (g *guard) trust(p *http.CrossOriginProtection, origin string) {
	if origin != "" {
		_ = p.AddTrustedOrigin(origin) // made by originOf, so it is one
	}
}

func originOf(address string) string {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" {
		return ""
	}
	return at.Scheme + "://" + at.Host
}

// sameOrigin refuses what changes something and comes from another site's
// page. Only the page where people sign in may post a token, from its origin.
func (g *guard) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		check := g.strict
		if c.Path() == auth.SessionPath {
			check = g.fromHostSite
		}
		if err := check.Check(c.Request()); err != nil {
			return schema.Errorf(schema.Forbidden, "cross_origin", "This was asked by another site's page. Please do it on ours.")
		}
		return next(c)
	}
}

// perAddress limits how often one address may ask. Who watches us may ask as
// often as they like: the answers are kept for a second.
func (g *guard) perAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if path := c.Path(); path == "/healthz" || path == "/readyz" {
			return next(c)
		}
		return take(c, next, auth.AddressKey(c.RealIP()), g.reads, g.changes)
	}
}

// perPrincipal limits how often one principal may ask, from wherever.
func (g *guard) perPrincipal(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, err := auth.Of(c)
		if err != nil {
			return next(c) // whoever needs to be somebody will be told
		}
		return take(c, next, p.Key(), g.readsOf, g.changesOf)
	}
}

func take(c echo.Context, next echo.HandlerFunc, key string, reads, changes *limit.Buckets) error {
	wait := reads.Take(key)
	if changesSomething(c.Request().Method) {
		wait = cmp.Or(wait, changes.Take(key))
	}
	if wait > 0 {
		err := schema.Errorf(schema.Limited, "too_many_requests", "Please ask less often.")
		err.RetryAfter = wait
		return err
	}
	return next(c)
}

func changesSomething(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
