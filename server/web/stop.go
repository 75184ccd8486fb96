package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// stopView is the page that stops an export somebody else asked for.
type stopView struct {
	linked
	State  string
	By     string
	SignIn string
}

// showStop answers GET /stop/{token}. It changes nothing.
func (w *Web) showStop(c echo.Context) error {
	l, err := w.follow(c, schema.ToStop)
	if err != nil {
		return err
	}
	view := stopView{linked: l, SignIn: w.signInPath(c)}
	if view.State, err = w.stateOf(c, l); err != nil {
		return err
	}
	if l.SignedIn {
		if view.By, err = w.requesterOf(c.Request().Context(), l.Principal, l.Export); err != nil {
			return err
		}
	}
	status := statusOf(view.State)
	if view.State == isStopped {
		status = http.StatusOK // that is what they came for
	}
	return w.show(c, status, "stop", "Stop the export", view)
}

// stop answers POST /stop/{token}: the export is cancelled.
func (w *Web) stop(c echo.Context) error {
	l, err := w.act(c, schema.ToStop)
	if err != nil {
		return err
	}
	e, err := w.API.Cancel(c.Request().Context(), l.Principal, l.ID)
	if err != nil {
		return err
	}
	page := "/stop/" + c.Param("token")
	if e.Status.Cancellable() {
		page += sent
	}
	return w.done(c, e, page)
}
