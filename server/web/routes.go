package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/server/api"
)

// answering is how long a page may take.
const answering = 15 * time.Second

var brief = api.Within(answering)

// Register adds the routes. Who is asking was found out before, by
// auth.Identify, and errors are answered after, by WriteError.
func (w *Web) Register(e *echo.Echo) {
	look := []string{http.MethodGet, http.MethodHead}

	e.Match(look, "/", w.home)
	e.Match(look, "/sign-in", w.signIn, brief)

	e.Match(look, "/confirm/:token", w.showConfirm, brief)
	e.POST("/confirm/:token", w.confirm, brief)
	e.Match(look, "/stop/:token", w.showStop, brief)
	e.POST("/stop/:token", w.stop, brief)
	e.Match(look, "/download/:token", w.download)

	e.Match(look, "/settings/data-export", w.showDataExport, brief)
	e.POST("/settings/data-export", w.requestExport, brief)
	e.GET("/settings/data-export/live", w.showLive, brief)
	e.GET("/settings/data-export/:id/events", w.followExport)
	e.POST("/settings/data-export/:id/cancel", w.cancelExport, brief)
	e.POST("/settings/data-export/:id/resend", w.resendConfirmation, brief)
	e.POST("/settings/data-export/:id/delete", w.deleteArchive, brief)
	e.Match(look, "/settings/data-export/:id/file", w.downloadFile)

	e.Match(look, "/settings/bulk-export", w.showBulkExport, brief)
	e.POST("/settings/bulk-export", w.createJob, brief)
	e.GET("/settings/bulk-export/live", w.showBulkLive, brief)
	e.POST("/settings/bulk-export/daily/:type", w.configureDaily, brief)
	e.POST("/settings/bulk-export/jobs/:id/delete", w.deleteJob, brief)
	e.Match(look, "/settings/bulk-export/files/:id", w.fetchFile, brief)
	e.POST("/settings/bulk-export/files/:id/delete", w.deleteFile, brief)
	e.POST("/settings/bulk-export/deliveries/:id/again", w.resendWebhook, brief)

	e.Match(look, "/unsubscribe/:token", w.showUnsubscribe, brief)
	e.POST("/unsubscribe/:token", w.unsubscribe, brief)

	e.Match(look, "/static/:file", w.static)
}

// home handles GET /.
func (w *Web) home(c echo.Context) error { return w.goTo(c, "/settings/data-export") }

// goTo redirects a browser to one of our paths.
func (w *Web) goTo(c echo.Context, path string) error {
	return c.Redirect(http.StatusSeeOther, w.base+path)
}

// WantsJSON reports whether a request's Accept header asks for JSON. Browsers ask for
// text/html.
func WantsJSON(r *http.Request) bool {
	accept := r.Header.Get(echo.HeaderAccept)
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}
