package main

import (
	"cmp"
	"log/slog"
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
	anonymous, principal, account requestLimit
	sameOriginOnly, orHostSite    *http.CrossOriginProtection
}

func newGuard(s validated) *guard {
	return &guard{
		anonymous:      newRequestLimit(limit.AnonymousRequests, s.RateLimit),
		principal:      newRequestLimit(limit.PrincipalRequests, s.RateLimit),
		account:        newRequestLimit(limit.AccountRequests, accountFactor*s.RateLimit),
		sameOriginOnly: trusting(string(s.site)), orHostSite: trusting(string(s.site), s.SignInURL),
	}
}

const (
	// accountFactor is how many times the requests of one principal an account may
	// send: one program must not use up what its colleagues need.
	accountFactor = 4
	// burstSeconds is for how many seconds' requests a burst is enough. A program that
	// requests a job for each day of a year, or fetches the files of all types for a
	// year, one request after the other, must not meet a limit: Twilio's clients do not
	// try again by themselves.
	burstSeconds = 40
)

// requestLimit limits requests by a key, and those among them that change
// something to half as many.
type requestLimit struct {
	name         limit.Name
	all, changes *limit.Rates
}

func newRequestLimit(name limit.Name, perSecond float64) requestLimit {
	rates := func(perSecond float64) *limit.Rates {
		return limit.NewRates(perSecond, int(burstSeconds*perSecond), time.Now)
	}
	return requestLimit{name, rates(perSecond), rates(perSecond / 2)}
}

// allow counts a request. A change counts as both.
func (l requestLimit) allow(method, key string) error {
	wait := l.all.Take(key)
	if isChange(method) {
		wait = cmp.Or(wait, l.changes.Take(key))
	}
	if wait == 0 {
		return nil
	}
	return limit.Refuse(l.name, schema.CodeTooManyRequests, wait, "Too many requests. Please try again less often.")
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
		if respond.PolicyOf(c).FromAnySite {
			return next(c)
		}
		if err := protection.Check(c.Request()); err != nil {
			h := c.Request().Header
			slog.WarnContext(c.Request().Context(), "a request from a page of another site was rejected; a page with Referrer-Policy no-referrer sends the origin null",
				"route", c.Path(), "origin", h.Get(echo.HeaderOrigin), "site", h.Get("Sec-Fetch-Site"), "err", err)
			return schema.Errorf(schema.Forbidden, schema.CodeCrossOrigin, "The request came from a page of another site. Please use our own page.")
		}
		return next(c)
	}
}

// limitRequests is a middleware that limits requests: of one principal and of one
// account from all their addresses, and, of all others, of one address. It stands
// behind auth.Identify, so that nobody who has credentials is refused because of
// others at the same address.
func (g *guard) limitRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := g.allow(c); err != nil {
			return err
		}
		return next(c)
	}
}

func (g *guard) allow(c echo.Context) error {
	method := c.Request().Method
	if p, err := auth.Of(c); err == nil || p.Account != "" {
		if err := g.principal.allow(method, p.Key()); err != nil {
			return err
		}
		return g.account.allow(method, p.Account)
	}
	if respond.PolicyOf(c).Unlimited {
		return nil
	}
	return g.anonymous.allow(method, auth.AddressKey(c.RealIP()))
}

func isChange(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
