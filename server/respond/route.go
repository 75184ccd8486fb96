package respond

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Access says who may use a route. The zero value is the strictest that both
// people and programs can satisfy.
type Access int

// Who may use a route. Package auth enforces it.
const (
	Exporter        Access = iota // an owner or admin, or a program with the credentials of an account
	ExporterByBasic               // an Exporter that uses HTTP Basic authentication
	SignedIn                      // anyone who is identified, members included
	Anyone                        // also the anonymous; credentials that are sent must be right
	Public                        // everyone: credentials are not looked at
)

// Format is how a route describes an error.
type Format int

// Formats of errors.
const (
	JSON          Format = iota // a problem document (Problem)
	Twilio                      // Twilio's error document
	Page                        // an HTML page, or JSON for a client that accepts JSON and not HTML
	PageOrProgram               // as Page, and JSON also for a request with an Authorization header
)

// Policy is what the middleware has to know about a route. It is given where
// the route is registered.
type Policy struct {
	Access Access
	Format Format

	// Timeout limits the handler; 0 is RequestTimeout. Routes that are Streaming
	// or a File have none: they limit each write instead.
	Timeout time.Duration
	// TotalTimeout limits authentication and handler together; 0 is no such limit.
	TotalTimeout time.Duration

	Streaming     bool // the answer may go on for hours and is not compressed
	File          bool // the answer is a customer's file: streaming, and counted as a download
	Precompressed bool // the handler chooses the content encoding itself

	Background   bool // sent by a page on its own, so it does not keep a session alive
	Unlimited    bool // requests without credentials are not limited by address
	FromHostSite bool // pages of the host application may send it cross-origin
	FromAnySite  bool // every page may send it: the path alone is the proof

	LogLevel slog.Level // of the line that is logged for each request
}

func (p Policy) isStream() bool { return p.Streaming || p.File }

// Compressible reports whether a middleware may compress the answer.
func (p Policy) Compressible() bool { return !p.isStream() && !p.Precompressed }

// Router registers routes with their policies, and gives each request the
// policy of the route that it matches.
type Router struct {
	echo      *echo.Echo
	routes    map[route]Policy
	paths     map[string]Policy // for requests whose method the path does not have
	unmatched map[string]Policy
}

type route struct{ method, path string }

// NewRouter returns a Router for e. Middleware added to e afterwards can use
// PolicyOf.
func NewRouter(e *echo.Echo) *Router {
	r := &Router{echo: e, routes: map[route]Policy{}, paths: map[string]Policy{}, unmatched: map[string]Policy{}}
	e.Use(r.attach)
	return r
}

// Add registers a route. The policy's timeout covers the middleware m, too.
func (r *Router) Add(method, path string, h echo.HandlerFunc, p Policy, m ...echo.MiddlewareFunc) {
	if !p.isStream() {
		if p.Timeout == 0 {
			p.Timeout = RequestTimeout
		}
		m = append([]echo.MiddlewareFunc{Timeout(p.Timeout)}, m...)
	}
	r.routes[route{method, path}] = p
	r.paths[path] = p
	r.echo.Add(method, path, h, m...)
}

// Read registers a route for GET and HEAD.
func (r *Router) Read(path string, h echo.HandlerFunc, p Policy, m ...echo.MiddlewareFunc) {
	r.Add(http.MethodGet, path, h, p, m...)
	r.Add(http.MethodHead, path, h, p, m...)
}

// Unmatched sets the policy of requests at and below a path that match no
// route. The longest such path counts. Its Access is always Anyone.
func (r *Router) Unmatched(path string, p Policy) { r.unmatched[path] = p }

// PolicyOfRoute returns the policy of a registered route.
func (r *Router) PolicyOfRoute(method, path string) Policy { return r.routes[route{method, path}] }

const policyKey = "satchel.policy"

// attach is a middleware that gives each request its policy. It also keeps the
// answer out of caches, unless the handler says otherwise.
func (r *Router) attach(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Set(policyKey, r.find(c))
		c.Response().Header().Set(echo.HeaderCacheControl, "private, no-store")
		return next(c)
	}
}

// find returns the policy for a request that echo has routed.
func (r *Router) find(c echo.Context) Policy {
	if p, ok := r.routes[route{c.Request().Method, c.Path()}]; ok {
		return p
	}
	p, ok := r.paths[c.Path()]
	if !ok {
		p = r.unmatchedAt(c.Request().URL.Path)
	}
	if p.Access != Public { // 404 and 405 are no secret
		p.Access = Anyone
	}
	return p
}

func (r *Router) unmatchedAt(path string) Policy {
	for ; path != ""; path = path[:strings.LastIndexByte(path, '/')] {
		if p, ok := r.unmatched[path]; ok {
			return p
		}
		if path[0] != '/' {
			break
		}
	}
	return r.unmatched["/"]
}

// PolicyOf returns the policy of the route that a request matched.
func PolicyOf(c echo.Context) Policy {
	p, _ := c.Get(policyKey).(Policy)
	return p
}

// FormatOf returns the format of an answer to a request that failed: JSON,
// Twilio or Page.
func FormatOf(c echo.Context) Format {
	switch f, r := PolicyOf(c).Format, c.Request(); {
	case f == PageOrProgram && r.Header.Get(echo.HeaderAuthorization) != "":
		return JSON
	case f != Page && f != PageOrProgram:
		return f
	case WantsJSON(r):
		return JSON
	}
	return Page
}

// WantsJSON reports whether the client accepts JSON and not HTML. Browsers
// accept text/html.
func WantsJSON(r *http.Request) bool {
	accept := r.Header.Get(echo.HeaderAccept)
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}
