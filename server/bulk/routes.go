package bulk

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/respond"
)

// requestTimeout is shorter than the timeout of Twilio's client libraries.
const requestTimeout = 9 * time.Second

// Register adds the routes: Twilio's, then the files that their responses link to, then those
// of our own JSON API; or none of them, if there are no bulk exports.
func (b *Bulk) Register(r *respond.Router) {
	own := respond.Policy{Access: respond.Exporter, Format: respond.JSON, Timeout: requestTimeout}
	r.Unmatched("/v1", twilioPolicy) // Twilio's clients understand no other error
	r.Unmatched("/v1/bulk", own)
	r.Unmatched("/files", twilioPolicy)
	r.Read("/docs/errors/:code", b.explainError, respond.Policy{Access: respond.Public, Format: respond.Page})
	if b.Off {
		return
	}
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete

	b.twilio(r, get, "/v1/Exports/:type", b.showType)
	b.twilio(r, get, "/v1/Exports/:type/Configuration", b.showConfiguration)
	b.twilio(r, post, "/v1/Exports/:type/Configuration", b.changeConfiguration)
	b.twilio(r, post, "/v1/Exports/:type/Jobs", b.createJob)
	b.twilio(r, get, "/v1/Exports/:type/Jobs", b.listJobs)
	b.twilio(r, get, "/v1/Exports/Jobs/:id", b.showJob)
	b.twilio(r, del, "/v1/Exports/Jobs/:id", b.deleteJob)
	b.twilio(r, get, "/v1/Exports/:type/Days", b.listDays)
	b.twilio(r, get, "/v1/Exports/:type/Days/:day", b.fetchDay)
	b.twilio(r, del, "/v1/Archives/:date/Calls/:call", b.eraseCall)

	r.Read("/files/:id/:name", b.sendFile, respond.Policy{Access: respond.Public, Format: respond.Twilio, File: true, Unlimited: true}) // downloads are limited

	r.Read("/v1/bulk/files", b.listFiles, own)
	r.Add(del, "/v1/bulk/files/:id", b.removeFile, own)
	r.Read("/v1/bulk/events", b.listEvents, own)
	r.Add(post, "/v1/bulk/events/:id/resend", b.resendEvent, own)
}

// twilioPolicy is the policy of Twilio's routes. The timeout includes authentication.
var twilioPolicy = respond.Policy{
	Access: respond.ExporterByBasic, Format: respond.Twilio, Timeout: requestTimeout, TotalTimeout: requestTimeout,
}

// twilio adds one of Twilio's routes. A trailing slash is accepted, and HEAD is answered like
// GET without the body.
//
// Under /v1/Exports, "Jobs" is not a resource type, so the router prefers its static route to
// the parameter. For a path unknown below it, the Allow header is computed as if Jobs were a
// resource type.
func (b *Bulk) twilio(r *respond.Router, method, path string, h echo.HandlerFunc) {
	for _, path := range []string{path, path + "/"} {
		r.Add(method, path, h, twilioPolicy, requireResourceType)
		if method == http.MethodGet {
			r.Add(http.MethodHead, path, h, twilioPolicy, requireResourceType)
		}
	}
}

// requireResourceType answers 404 if the path names an unknown resource type.
func requireResourceType(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		for _, name := range c.ParamNames() {
			if name == "type" && !schema.IsResourceType(c.Param(name)) {
				return schema.Errorf(schema.NotFound, schema.CodeResourceTypeNotFound, "The resource types are Messages, Calls, Conferences and Participants.")
			}
		}
		return next(c)
	}
}
