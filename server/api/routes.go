package api

import (
	"net/http"

	"satchel/server/respond"
)

// Register adds the routes.
func (a *API) Register(r *respond.Router) {
	var (
		exporter = respond.Policy{Access: respond.Exporter, Format: respond.JSON}
		public   = respond.Policy{Access: respond.Public, Format: respond.JSON}
		stream   = respond.Policy{Access: respond.Exporter, Format: respond.JSON, Streaming: true}
		file     = respond.Policy{Access: respond.Exporter, Format: respond.JSON, File: true}
	)
	const post = http.MethodPost
	r.Add(post, "/v1/account/exports", a.requestExport, exporter, jsonBody)
	r.Read("/v1/account/exports", a.listExports, exporter)
	r.Read("/v1/account/exports/:id", a.showExport, exporter)
	r.Add(http.MethodGet, "/v1/account/exports/:id/events", a.streamExport, stream)
	r.Add(post, "/v1/account/exports/:id/confirmation", a.resendConfirmation, exporter, jsonBody)
	r.Add(post, "/v1/account/exports/:id/cancel", a.cancelExport, exporter, jsonBody)
	r.Add(http.MethodDelete, "/v1/account/exports/:id", a.deleteExport, exporter, jsonBody)
	r.Read("/v1/account/exports/:id/archive", a.downloadArchive, file)

	r.Read("/openapi.json", a.openapi.serve, public)
	r.Read("/schemas/account-export-1.0.json", a.archiveSchema.serve, public)

	r.Unmatched("/v1/account", exporter)
	r.Unmatched("/v1/operator", exporter)
	r.Unmatched("/schemas", public)
}
