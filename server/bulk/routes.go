package bulk

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/api"
	"satchel/server/auth"
)

// Answering is how long a request that does not stream may take, including authentication. It
// is shorter than the timeout of Twilio's client libraries.
const Answering = 9 * time.Second

var brief = api.Within(Answering)

// Register adds the routes: Twilio's, then the files that their responses link to, then our
// own. auth.Identify runs before them. Errors are answered by WriteError on the paths for
// which Speaks is true.
func (b *Bulk) Register(e *echo.Echo) {
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	look := []string{http.MethodGet, http.MethodHead}

	b.twilio(e, get, "/v1/Exports/:type", b.showType)
	b.twilio(e, get, "/v1/Exports/:type/Configuration", b.showConfiguration)
	b.twilio(e, post, "/v1/Exports/:type/Configuration", b.changeConfiguration)
	b.twilio(e, post, "/v1/Exports/:type/Jobs", b.createJob)
	b.twilio(e, get, "/v1/Exports/:type/Jobs", b.listJobs)
	b.twilio(e, get, "/v1/Exports/Jobs/:id", b.showJob)
	b.twilio(e, del, "/v1/Exports/Jobs/:id", b.deleteJob)
	b.twilio(e, get, "/v1/Exports/:type/Days", b.listDays)
	b.twilio(e, get, "/v1/Exports/:type/Days/:day", b.fetchDay)
	b.twilio(e, del, "/v1/Archives/:date/Calls/:call", b.eraseCall)

	e.Match(look, "/files/:id/:name", b.sendFile)
	e.Match(look, "/docs/errors/:code", b.explainError)

	e.Match(look, "/v1/bulk/files", b.listFiles, auth.RequireExporter, brief)
	e.DELETE("/v1/bulk/files/:id", b.removeFile, auth.RequireExporter, brief)
	e.Match(look, "/v1/bulk/events", b.listEvents, auth.RequireExporter, brief)
	e.POST("/v1/bulk/events/:id/resend", b.resendEvent, auth.RequireExporter, brief)
}

// twilio adds one of Twilio's routes. A trailing slash is accepted, and HEAD is answered like
// GET without the body.
//
// Under /v1/Exports, "Jobs" is not a resource type, so the router prefers its static route to
// the parameter. For a path unknown below it, the Allow header is computed as if Jobs were a
// resource type.
func (b *Bulk) twilio(e *echo.Echo, method, path string, h echo.HandlerFunc) {
	for _, path := range []string{path, path + "/"} {
		e.Add(method, path, h, requireBasic, auth.RequireExporter, requireResourceType, brief)
		if method == http.MethodGet {
			e.HEAD(path, h, requireBasic, auth.RequireExporter, requireResourceType, brief)
		}
	}
}

// Speaks reports whether errors of a request are answered with Twilio's error document.
func Speaks(r *http.Request) bool {
	for _, family := range []string{"/v1/Exports", "/v1/Archives", "/files"} {
		if rest, ok := strings.CutPrefix(r.URL.Path, family); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// requireBasic accepts only HTTP Basic authentication, which the client libraries use.
func requireBasic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if p, _ := auth.Of(c); p.Method != auth.Basic {
			return schema.Errorf(schema.Unauthenticated, "unauthenticated",
				"Please use HTTP Basic authentication with an account SID and its auth token, or with an API key and its secret.")
		}
		return next(c)
	}
}

// requireResourceType answers 404 if the path names an unknown resource type.
func requireResourceType(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		for _, name := range c.ParamNames() {
			if name == "type" && !schema.IsResourceType(c.Param(name)) {
				return schema.Errorf(schema.NotFound, "resource_type_not_found", "The resource types are Messages, Calls, Conferences and Participants.")
			}
		}
		return next(c)
	}
}
