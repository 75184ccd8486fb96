package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// confirmView is the page that confirms an export.
type confirmView struct {
	linked
	State    string // see stateOf
	By       string
	SignIn   string
	Contents []content
	Windows  schema.Windows
}

// What the page for a mailed link has to say.
const (
	isUnknown = "unknown" // there is an export, of which nothing can be told yet
	isWaiting = "waiting"
	isSent    = "sent" // the run was told, and will act on it in a moment
	isUnder   = "under way"
	isReady   = "ready"
	isLapsed  = "lapsed"
	isStopped = "stopped"
	isOver    = "over"
)

// sent is in the address of a page whose form was just sent.
const sent = "?sent"

// showConfirm answers GET /confirm/{token}. It changes nothing, however often
// mail scanners look.
func (w *Web) showConfirm(c echo.Context) error {
	l, err := w.follow(c, schema.ToConfirm)
	if err != nil {
		return err
	}
	view := confirmView{linked: l, Contents: w.contents, Windows: w.Windows, SignIn: w.signInPath(c)}
	if view.State, err = w.stateOf(c, l); err != nil {
		return err
	}
	if l.SignedIn {
		if view.By, err = w.requesterOf(c.Request().Context(), l.Principal, l.Export); err != nil {
			return err
		}
	}
	return w.show(c, statusOf(view.State), "confirm", "Confirm the export", view)
}

// confirm answers POST /confirm/{token}: the export begins.
func (w *Web) confirm(c echo.Context) error {
	l, err := w.act(c, schema.ToConfirm)
	if err != nil {
		return err
	}
	e, err := w.API.Confirm(c.Request().Context(), l.Principal, l.ID)
	if err != nil {
		return err
	}
	page := "/confirm/" + c.Param("token")
	if e.Status == schema.Pending {
		page += sent
	}
	return w.done(c, e, page)
}

// stateOf tells what there is to say of a linked export. When it can no longer
// be confirmed, or its file downloaded, is for the database's clock to say.
func (w *Web) stateOf(c echo.Context, l linked) (string, error) {
	_, justSent := c.QueryParams()["sent"]
	switch e := l.Export; {
	case !l.Known:
		return isUnknown, nil
	case e.Status == schema.Completed:
		now, err := w.Exports.Now(c.Request().Context())
		if err == nil && e.ExpiresAt != nil && !now.Before(*e.ExpiresAt) {
			return isOver, nil
		}
		return isReady, err
	case e.Status.Cancellable() && justSent && l.SignedIn:
		return isSent, nil
	case e.Status == schema.Pending:
		now, err := w.Exports.Now(c.Request().Context())
		if err == nil && !now.Before(e.ConfirmBy) {
			return isLapsed, nil
		}
		return isWaiting, err
	case e.Status.Cancellable():
		return isUnder, nil
	case e.Status == schema.Cancelled:
		return isStopped, nil
	case e.Status == schema.Expired && e.Reason == schema.Unconfirmed:
		return isLapsed, nil
	}
	return isOver, nil
}

// statusOf is the HTTP status of a page in this state.
func statusOf(state string) int {
	switch state {
	case isLapsed, isStopped, isOver:
		return http.StatusGone
	}
	return http.StatusOK
}
