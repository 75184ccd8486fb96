package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/api"
	"satchel/server/auth"
)

const dataExport = "/settings/data-export"

// dataExportView is the page in Settings.
type dataExportView struct {
	MayExport  bool
	Said       string // what was just done
	Refused    string // why it was not
	Latest     *exportView
	Earlier    []exportView
	MayAsk     bool
	AskAgainAt *time.Time // while it must not be asked for
	Key        string     // makes sending the form twice one request
	Categories []schema.Category
	Windows    schema.Windows
	Run        string // for operators
}

// exportView is one export on the page.
type exportView struct {
	schema.Export
	By      string
	Records int64
	HasFile bool
}

// said are the sentences for what was just done, by the word in the address.
var said = map[string]string{
	"requested": "Your export was asked for. We have sent a mail with a link: follow it to confirm.",
	"cancelled": "The export is being cancelled. Nothing of it will be kept.",
	"resent":    "The mail is on its way again, with a new link.",
	"deleted":   "The file is being deleted.",
}

// showDataExport answers GET /settings/data-export.
func (w *Web) showDataExport(c echo.Context) error {
	return w.dataExport(c, http.StatusOK, said[c.QueryParam("done")], "")
}

// request answers POST /settings/data-export: an export is asked for.
func (w *Web) request(c echo.Context) error {
	return w.order(c, "requested", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Request(ctx, p, c.FormValue("key"))
		return err
	})
}

// cancel answers POST /settings/data-export/{id}/cancel.
func (w *Web) cancel(c echo.Context) error {
	return w.order(c, "cancelled", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Cancel(ctx, p, c.Param("id"))
		return err
	})
}

// resend answers POST /settings/data-export/{id}/resend.
func (w *Web) resend(c echo.Context) error {
	return w.order(c, "resent", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.ResendConfirmation(ctx, p, c.Param("id"))
		return err
	})
}

// delete answers POST /settings/data-export/{id}/delete.
func (w *Web) delete(c echo.Context) error {
	return w.order(c, "deleted", func(ctx context.Context, p auth.Principal) error {
		_, err := w.API.Delete(ctx, p, c.Param("id"))
		return err
	})
}

// order does what a form on the page asks for and shows the page again. What
// cannot be done now is said on it, beside how things stand.
func (w *Web) order(c echo.Context, done string, do func(context.Context, auth.Principal) error) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), p)
	switch schema.KindOf(err) {
	case schema.Conflict, schema.Limited:
		status, sentence, _ := api.Words(err)
		return w.dataExport(c, status, "", sentence)
	}
	if err != nil {
		return err
	}
	return w.goTo(c, dataExport+"?done="+done)
}

func (w *Web) dataExport(c echo.Context, status int, said, refused string) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	if !p.Role.MayExport() { // it is told who may, and nothing else
		return w.show(c, http.StatusForbidden, "data_export", "Data Export", dataExportView{})
	}
	ctx := c.Request().Context()
	list, err := w.API.List(ctx, p)
	if err != nil {
		return err
	}
	now, err := w.Exports.Now(ctx)
	if err != nil {
		return err
	}
	view := dataExportView{
		MayExport: true, Said: said, Refused: refused, MayAsk: true, Key: schema.NewExportID(),
		Categories: schema.Categories, Windows: w.Windows,
	}
	names := map[string]string{}
	for i, e := range list {
		shown, err := w.viewOf(ctx, e, now, names)
		if err != nil {
			return err
		}
		if view.AskAgainAt == nil && e.AvailableAgainAt != nil && e.AvailableAgainAt.After(now) {
			view.MayAsk, view.AskAgainAt = false, e.AvailableAgainAt
		}
		if i == 0 {
			view.Latest, view.MayAsk = &shown, view.MayAsk && e.Status.Ended()
			continue
		}
		view.Earlier = append(view.Earlier, shown)
	}
	if w.Operators != nil {
		view.Run = w.Operators(p.Account)
	}
	return w.show(c, status, "data_export", "Data Export", view)
}

// viewOf shows one export; names are of those who asked, as far as known.
func (w *Web) viewOf(ctx context.Context, e schema.Export, now time.Time, names map[string]string) (exportView, error) {
	v := exportView{Export: e, HasFile: e.Status == schema.Completed && e.ExpiresAt != nil && now.Before(*e.ExpiresAt)}
	for _, c := range e.Categories {
		v.Records += c.Records
	}
	name, known := names[e.RequestedBy]
	if !known {
		var err error
		if name, err = w.requester(ctx, e); err != nil {
			return v, err
		}
		names[e.RequestedBy] = name
	}
	v.By = name
	return v, nil
}
