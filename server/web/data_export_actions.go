package web

import (
	"context"
	"net/url"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// requestExport handles POST /settings/data-export.
func (w *Web) requestExport(c echo.Context) error {
	return w.submitAction(c, "done=requested", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Request(ctx, p, c.FormValue("key"))
		return err
	})
}

// cancelExport handles POST /settings/data-export/{id}/cancel.
func (w *Web) cancelExport(c echo.Context) error {
	return w.submitAction(c, "cancelled="+url.QueryEscape(c.Param("id")), func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Cancel(ctx, p, c.Param("id"))
		return err
	})
}

// resendConfirmation handles POST /settings/data-export/{id}/resend.
func (w *Web) resendConfirmation(c echo.Context) error {
	return w.submitAction(c, "done=resent", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.ResendConfirmation(ctx, p, c.Param("id"))
		return err
	})
}

// deleteArchive handles POST /settings/data-export/{id}/delete.
func (w *Web) deleteArchive(c echo.Context) error {
	return w.submitAction(c, "done=deleted", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Delete(ctx, p, c.Param("id"))
		return err
	})
}

// submitAction performs the action of a form and redirects to the page. A conflict or limit is
// shown on the page instead, beside the current state.
func (w *Web) submitAction(c echo.Context, done string, do func(context.Context, auth.Principal) error) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), p)
	switch schema.KindOf(err) {
	case schema.Conflict, schema.Limited:
		status, sentence, _ := respond.Describe(err)
		return w.renderDataExport(c, status, sentence)
	}
	if err != nil {
		return err
	}
	return w.redirect(c, dataExport+"?"+done)
}

// flashFor returns the message for an action that was just done, as long as it is news: the
// page may be reloaded much later.
func flashFor(done string, latest *exportView) string {
	if latest == nil {
		return ""
	}
	switch status := latest.Status; {
	case done == "requested" && status == schema.Pending:
		return "You have requested an export. One step is left: confirm it from your email."
	case done == "resent" && status == schema.Pending:
		return "The email is on its way again, with a new link."
	case done == "deleted" && status == schema.Completed:
		return "The file is being deleted."
	}
	return ""
}
