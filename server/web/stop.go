package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// stopView is the page with which another owner or admin cancels an export.
type stopView struct {
	linkedExport
	State     string
	Requester string
	SignIn    string
}

// showStop handles GET /stop/{token}. It changes nothing.
func (w *Web) showStop(c echo.Context) error {
	l, err := w.latest(c)(w.openLink(c, schema.ToStop))
	if err != nil {
		return err
	}
	view := stopView{linkedExport: l, SignIn: w.signInPath(c)}
	if view.State, err = w.linkState(c, l); err != nil {
		return err
	}
	if l.SignedIn {
		if view.Requester, err = w.requesterName(c.Request().Context(), l.Principal, l.Export); err != nil {
			return err
		}
	}
	status := linkStatus(view.State)
	if view.State == stateStopped {
		status = http.StatusOK // that is what the link is for
	}
	return w.render(c, status, "stop", "Stop the export", view)
}

// stop handles POST /stop/{token}: it cancels the export.
func (w *Web) stop(c echo.Context) error {
	l, err := w.latest(c)(w.openLinkForAction(c, schema.ToStop))
	if err != nil {
		return err
	}
	e, err := w.API.Cancel(c.Request().Context(), l.Principal, l.ID)
	if err != nil {
		return err
	}
	page := "/stop/" + c.Param("token")
	if e.Status.Cancellable() {
		page += submittedQuery
	}
	return w.respondAccepted(c, e, page)
}

// latest replaces an export that has ended by a later one of its account that can still be
// stopped, if there is one: people are not notified of all that are requested and cancelled within an
// hour. Any owner or admin may stop either.
func (w *Web) latest(c echo.Context) func(linkedExport, error) (linkedExport, error) {
	return func(l linkedExport, err error) (linkedExport, error) {
		if err != nil || !l.Known || !l.Export.Status.Ended() {
			return l, err
		}
		list, err := w.Exports.ExportsBefore(c.Request().Context(), l.Export.Account, "", 1)
		if err == nil && len(list) > 0 && list[0].Status.Cancellable() {
			l.ID, l.Export = list[0].ID, list[0]
		}
		return l, err
	}
}
