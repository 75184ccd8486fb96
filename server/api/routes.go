package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/server/auth"
)

// answering is how long a handler may take that does not stream.
const answering = 15 * time.Second

// Register adds the routes. Who is asking was found out before, by
// auth.Identify, and errors are answered after, by WriteProblem.
func (a *API) Register(e *echo.Echo) {
	exporter, brief, small := auth.RequireExporter, Within(answering), smallBody
	look := []string{http.MethodGet, http.MethodHead}

	e.POST("/v1/account/exports", a.requestExport, noStore, exporter, brief, small)
	e.Match(look, "/v1/account/exports", a.listExports, noStore, exporter, brief)
	e.Match(look, "/v1/account/exports/:id", a.showExport, noStore, exporter, brief)
	e.GET("/v1/account/exports/:id/events", a.streamExport, noStore, exporter)
	e.POST("/v1/account/exports/:id/confirmation", a.resendConfirmation, noStore, exporter, brief, small)
	e.POST("/v1/account/exports/:id/cancel", a.cancelExport, noStore, exporter, brief, small)
	e.DELETE("/v1/account/exports/:id", a.deleteExport, noStore, exporter, brief, small)
	e.Match(look, "/v1/account/exports/:id/archive", a.downloadArchive, noStore, exporter)

	e.Match(look, "/openapi.json", a.openapi.serve)
	e.Match(look, "/schemas/account-export-1.0.json", a.archiveSchema.serve)
}
