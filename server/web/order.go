package web

import (
	"context"
	"net/url"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// request answers POST /settings/data-export: an export is asked for.
func (w *Web) request(c echo.Context) error {
	return w.order(c, "done=requested", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Request(ctx, p, c.FormValue("key"))
		return err
	})
}

// cancel answers POST /settings/data-export/{id}/cancel.
func (w *Web) cancel(c echo.Context) error {
	return w.order(c, "cancelled="+url.QueryEscape(c.Param("id")), func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Cancel(ctx, p, c.Param("id"))
		return err
	})
}

// resend answers POST /settings/data-export/{id}/resend.
func (w *Web) resend(c echo.Context) error {
	return w.order(c, "done=resent", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.ResendConfirmation(ctx, p, c.Param("id"))
		return err
	})
}

// delete answers POST /settings/data-export/{id}/delete.
func (w *Web) delete(c echo.Context) error {
	return w.order(c, "done=deleted", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Delete(ctx, p, c.Param("id"))
		return err
	})
}

// order does what a form on the page asks for and shows the page again, which
// is told what was done. What cannot be done now is said on it, beside how things stand.
func (w *Web) order(c echo.Context, done string, do func(context.Context, auth.Principal) error) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), p)
	switch schema.KindOf(err) {
	case schema.Conflict, schema.Limited:
		status, sentence, _ := respond.Describe(err)
		return w.dataExport(c, status, sentence)
	}
	if err != nil {
		return err
	}
	return w.goTo(c, dataExport+"?"+done)
}

// said is the sentence for what was just done, as long as it is news: the page
// may be loaded again much later.
func said(done string, latest *exportView) string {
	if latest == nil {
		return ""
	}
	switch status := latest.Status; {
	case done == "requested" && status == schema.Pending:
		return "You have asked for an export. One step is left: confirm it from your mail."
	case done == "resent" && status == schema.Pending:
		return "The mail is on its way again, with a new link."
	case done == "deleted" && status == schema.Completed:
		return "The file is being deleted."
	}
	return ""
}
