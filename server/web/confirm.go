package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// confirmView is the page that confirms an export.
type confirmView struct {
	linkedExport
	State         string // see linkState
	Requester     string
	SignIn        string
	CategoryNotes []categoryNote
	Windows       schema.Windows
}

// States of a page that a mailed link leads to.
const (
	stateUnknown   = "unknown" // the export's row is not written yet
	stateWaiting   = "waiting"
	stateSubmitted = "sent" // the workflow has been signalled and will act in a moment
	stateRunning   = "under way"
	stateReady     = "ready"
	stateLapsed    = "lapsed"
	stateStopped   = "stopped"
	stateOver      = "over"
)

// submittedQuery marks the URL of a page whose form was just submitted.
const submittedQuery = "?sent"

// showConfirm handles GET /confirm/{token}. It changes nothing, so that mail scanners can
// follow the link.
func (w *Web) showConfirm(c echo.Context) error {
	l, err := w.openLink(c, schema.ToConfirm)
	if err != nil {
		return err
	}
	view := confirmView{linkedExport: l, CategoryNotes: w.categoryNotes, Windows: w.Windows, SignIn: w.signInPath(c)}
	if view.State, err = w.linkState(c, l); err != nil {
		return err
	}
	if l.SignedIn {
		if view.Requester, err = w.requesterName(c.Request().Context(), l.Principal, l.Export); err != nil {
			return err
		}
	}
	return w.render(c, linkStatus(view.State), "confirm", "Confirm the export", view)
}

// confirm handles POST /confirm/{token}: it starts the export.
func (w *Web) confirm(c echo.Context) error {
	l, err := w.openLinkForAction(c, schema.ToConfirm)
	if err != nil {
		return err
	}
	e, err := w.API.Confirm(c.Request().Context(), l.Principal, l.ID)
	if err != nil {
		return err
	}
	page := "/confirm/" + c.Param("token")
	if e.Status == schema.Pending {
		page += submittedQuery
	}
	return w.respondAccepted(c, e, page)
}

// linkState returns the state of a linked export. Expiry is decided by the database's clock.
func (w *Web) linkState(c echo.Context, l linkedExport) (string, error) {
	_, justSent := c.QueryParams()["sent"]
	switch e := l.Export; {
	case !l.Known:
		return stateUnknown, nil
	case e.Status == schema.Completed:
		now, err := w.Exports.Now(c.Request().Context())
		if err == nil && e.ExpiresAt != nil && !now.Before(*e.ExpiresAt) {
			return stateOver, nil
		}
		return stateReady, err
	case e.Status.Cancellable() && justSent && l.SignedIn:
		return stateSubmitted, nil
	case e.Status == schema.Pending:
		now, err := w.Exports.Now(c.Request().Context())
		if err == nil && !now.Before(e.ConfirmBy) {
			return stateLapsed, nil
		}
		return stateWaiting, err
	case e.Status.Cancellable():
		return stateRunning, nil
	case e.Status == schema.Cancelled:
		return stateStopped, nil
	case e.Status == schema.Expired && e.Reason == schema.Unconfirmed:
		return stateLapsed, nil
	}
	return stateOver, nil
}

// linkStatus is the HTTP status of a page in a state.
func linkStatus(state string) int {
	switch state {
	case stateLapsed, stateStopped, stateOver:
		return http.StatusGone
	}
	return http.StatusOK
}
