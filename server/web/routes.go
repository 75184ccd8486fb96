package web

import (
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/server/respond"
)

// Register adds the routes.
func (w *Web) Register(r *respond.Router) {
	const get, post = http.MethodGet, http.MethodPost
	var (
		anyone     = respond.Policy{Access: respond.Anyone, Format: respond.Page}   // the handler checks the link first
		signedIn   = respond.Policy{Access: respond.SignedIn, Format: respond.Page} // members are shown who may export
		exporter   = respond.Policy{Access: respond.Exporter, Format: respond.Page}
		background = respond.Policy{Access: respond.Exporter, Format: respond.Page, Background: true}
		stream     = respond.Policy{Access: respond.Exporter, Format: respond.Page, Background: true, Streaming: true}
		linkedFile = respond.Policy{Access: respond.Anyone, Format: respond.Page, File: true}
		file       = respond.Policy{Access: respond.Exporter, Format: respond.Page, File: true}
		static     = respond.Policy{Access: respond.Public, Format: respond.Page, Precompressed: true, LogLevel: slog.LevelDebug}
	)
	r.Read("/", w.home, anyone)
	r.Read("/sign-in", w.signIn, anyone)

	r.Read("/confirm/:token", w.showConfirm, anyone)
	r.Add(post, "/confirm/:token", w.confirm, anyone)
	r.Read("/stop/:token", w.showStop, anyone)
	r.Add(post, "/stop/:token", w.stop, anyone)
	r.Read("/download/:token", w.download, linkedFile)

	r.Read("/settings", w.settings, anyone)
	r.Read("/settings/data-export", w.showDataExport, signedIn)
	r.Add(post, "/settings/data-export", w.requestExport, exporter)
	r.Add(get, "/settings/data-export/live", w.showLive, background)
	r.Add(get, "/settings/data-export/:id/events", w.followExport, stream)
	r.Add(post, "/settings/data-export/:id/cancel", w.cancelExport, exporter)
	r.Add(post, "/settings/data-export/:id/resend", w.resendConfirmation, exporter)
	r.Add(post, "/settings/data-export/:id/delete", w.deleteArchive, exporter)
	r.Read("/settings/data-export/:id/file", w.downloadFile, file)

	if w.hasBulk {
		r.Read("/settings/bulk-export", w.showBulkExport, signedIn)
		r.Add(post, "/settings/bulk-export", w.createJob, exporter)
		r.Add(get, "/settings/bulk-export/live", w.showBulkLive, background)
		r.Add(post, "/settings/bulk-export/daily/:type", w.configureDaily, exporter)
		r.Add(post, "/settings/bulk-export/jobs/:id/delete", w.deleteJob, exporter)
		r.Read("/settings/bulk-export/jobs/:id/zip", w.downloadJob, file)
		r.Read("/settings/bulk-export/files/:id", w.fetchFile, exporter)
		r.Add(post, "/settings/bulk-export/files/:id/delete", w.deleteFile, exporter)
		r.Add(post, "/settings/bulk-export/deliveries/:id/again", w.resendWebhook, exporter)
	}

	r.Read("/unsubscribe/:token", w.showUnsubscribe, anyone)
	oneClick := anyone
	oneClick.FromAnySite = true // mail providers send it for their users (RFC 8058)
	r.Add(post, "/unsubscribe/:token", w.unsubscribe, oneClick)

	r.Read("/static/:file", w.static, static)

	r.Unmatched("/", anyone)
}

// home handles GET /.
func (w *Web) home(c echo.Context) error { return w.redirect(c, dataExport) }

// settings handles GET /settings, where the pages' way back leads: to the host
// application's settings, or else to Data Export.
func (w *Web) settings(c echo.Context) error {
	if w.SettingsURL != "" {
		return c.Redirect(http.StatusSeeOther, w.SettingsURL)
	}
	return w.redirect(c, dataExport)
}

// redirect redirects a browser to one of our paths.
func (w *Web) redirect(c echo.Context, path string) error {
	return c.Redirect(http.StatusSeeOther, w.base+path)
}
