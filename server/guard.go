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
	"satchel/server/respond"
)

// guard holds the rate limits and the protection against cross-origin requests.
type guard struct {
	reads, changes                   *limit.Buckets // by address
	principalReads, principalChanges *limit.Buckets
	sameOriginOnly, orHostSite       *http.CrossOriginProtection
}

func newGuard(s validated) *guard {
	buckets := func(perSecond float64) *limit.Buckets {
		return limit.New(perSecond, int(max(5*perSecond, 10)), time.Now)
	}
	return &guard{
		reads: buckets(s.RateLimit), changes: buckets(s.RateLimit / 10),
		principalReads: buckets(s.RateLimit), principalChanges: buckets(s.RateLimit / 10),
		sameOriginOnly: trusting(string(s.site)), orHostSite: trusting(string(s.site), s.SignInURL),
	}
}

// trusting allows cross-origin requests from the origins of these URLs.
func trusting(urls ...string) *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	for _, address := range urls {
		if at, err := url.Parse(address); err == nil && at.Host != "" {
			_ = p.AddTrustedOrigin(at.Scheme + "://" + at.Host) // it is well formed
		}
	}
	return p
}

// sameOrigin is a middleware that rejects changes that a page of another site
// requests. Routes with FromHostSite also accept the page where people sign in.
func (g *guard) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		protection := g.sameOriginOnly
		if respond.PolicyOf(c).FromHostSite {
			protection = g.orHostSite
		}
		if err := protection.Check(c.Request()); err != nil {
			return schema.Errorf(schema.Forbidden, schema.CodeCrossOrigin, "The request came from a page of another site. Please use our own page.")
		}
		return next(c)
	}
}

// perAddress is a middleware that limits the requests of one address.
func (g *guard) perAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if respond.PolicyOf(c).Unlimited {
			return next(c)
		}
		if err := allow(c.Request().Method, auth.AddressKey(c.RealIP()), g.reads, g.changes); err != nil {
			return err
		}
		return next(c)
	}
}

// perPrincipal is a middleware that limits the requests of one principal from
// all its addresses. It stands behind auth.Identify.
func (g *guard) perPrincipal(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if p, err := auth.Of(c); err == nil {
			if err := allow(c.Request().Method, p.Key(), g.principalReads, g.principalChanges); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// allow takes a token for a request. A change takes one of each kind.
func allow(method, key string, reads, changes *limit.Buckets) error {
	wait := reads.Take(key)
	if isChange(method) {
		wait = cmp.Or(wait, changes.Take(key))
	}
	if wait == 0 {
		return nil
	}
	err := schema.Errorf(schema.Limited, schema.CodeTooManyRequests, "Too many requests. Please try again less often.")
	err.RetryAfter = wait
	return err
}

func isChange(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
