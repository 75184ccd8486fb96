package web

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/api"
	"satchel/server/auth"
)

const dataExport = "/settings/data-export"

// remembered is how many earlier exports the page shows.
const remembered = 20

// dataExportView is the page in Settings.
type dataExportView struct {
	MayExport  bool
	Account    schema.Account
	Said       string // what was just done
	Cancelling bool   // that it was cancelled, and the run has not ended it yet
	Refused    string // why it was not
	Now        time.Time
	Latest     *exportView
	Earlier    []exportView // those before it
	MayAsk     bool
	AskAgainAt *time.Time // while it must not be asked for
	MailTo     string     // whom a request would be mailed to
	Key        string     // makes sending the form twice one request
	Contents   []content
	Windows    schema.Windows
	Run        string // for operators
}

// exportView is one export on the page.
type exportView struct {
	schema.Export
	By        string
	Records   int64
	HasFile   bool
	Late      bool // its time is over, and nobody has got round to ending it
	Trail     []deed
	Downloads int64
	Removed   int    // objects, once it is over
	EndedBy   string // "" where it was nobody's deed
	Seen      string

	MailTo      []string
	Mailed      string // isMailed, isUnmailable, or "" while it is about to be
	ResendsLeft int
	ResendAgain time.Time
	Progress    progress
}

// showDataExport answers GET /settings/data-export.
func (w *Web) showDataExport(c echo.Context) error {
	return w.dataExport(c, http.StatusOK, "")
}

func (w *Web) dataExport(c echo.Context, status int, refused string) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	if !p.Role.MayExport() { // it is told who may, and nothing else
		return w.show(c, http.StatusForbidden, "data_export", "Data Export", dataExportView{})
	}
	view, err := w.viewOf(c.Request().Context(), p)
	if err != nil {
		return err
	}
	view.Account, view.Refused = auth.AccountOf(c), refused
	view.MailTo = auth.PersonOf(c).Email
	if refused == "" {
		view.Said = said(c.QueryParam("done"), view.Latest)
	}
	view.Cancelling = cancelling(c, view.Latest)
	return w.show(c, status, "data_export", "Data Export", view)
}

// cancelling tells whether the page knows of the latest export that it was
// cancelled, and its run has not ended it yet: no row says so.
func cancelling(c echo.Context, latest *exportView) bool {
	return latest != nil && latest.Status.Cancellable() && c.QueryParam("cancelled") == latest.ID
}

// viewOf reads all that the page shows of an account.
func (w *Web) viewOf(ctx context.Context, p auth.Principal) (dataExportView, error) {
	view := dataExportView{MayExport: true, MayAsk: true, Key: schema.NewExportID(), Contents: w.contents, Windows: w.Windows}
	list, err := w.API.List(ctx, p)
	if err != nil {
		return view, err
	}
	if view.Now, err = w.Exports.Now(ctx); err != nil {
		return view, err
	}
	people, err := w.namesOf(ctx, p.Account)
	if err != nil {
		return view, err
	}
	list, view.AskAgainAt = list[:min(len(list), 1+remembered)], cooling(list, view.Now)
	trails, err := w.Exports.Trails(ctx, p.Account, idsOf(list))
	if err != nil {
		return view, err
	}
	for i, e := range list {
		mailed, err := w.mailed(ctx, e)
		if err != nil {
			return view, err
		}
		shown := people.show(e, trails[e.ID], mailed, view.Now)
		switch {
		case i == 0:
			view.Latest = &shown
			if e.Status.Cancellable() {
				shown.Progress = w.progress(e, view.Now)
			}
		case e.Status.Ended():
			view.Earlier = append(view.Earlier, shown)
		}
	}
	view.MayAsk = view.AskAgainAt == nil && (view.Latest == nil || view.Latest.Status.Ended())
	if w.Operators != nil {
		view.Run = w.Operators(p.Account)
	}
	return view, nil
}

// cooling is when the next export may be asked for, if not yet.
func cooling(list []schema.Export, now time.Time) *time.Time {
	for _, e := range list {
		if e.AvailableAgainAt != nil && e.AvailableAgainAt.After(now) {
			return e.AvailableAgainAt
		}
	}
	return nil
}

func idsOf(list []schema.Export) []string {
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	return ids
}

// show is one export as the page shows it.
func (n names) show(e schema.Export, lines []store.Deed, mailed string, now time.Time) exportView {
	v := exportView{Export: e, By: n.requester(e), Trail: n.trail(e, lines), Mailed: mailed, Seen: seen(e, lines, mailed, now)}
	v.HasFile = e.Status == schema.Completed && e.ExpiresAt != nil && now.Before(*e.ExpiresAt)
	v.Late = e.Status == schema.Completed && !v.HasFile || e.Status == schema.Pending && !now.Before(e.ConfirmBy)
	for _, c := range e.Categories {
		v.Records += c.Records
	}
	var resent []time.Time
	for _, l := range lines {
		switch l.Action {
		case store.Downloaded:
			v.Downloads += l.Times
		case store.Removed:
			v.Removed, v.EndedBy = l.Objects, n.removal(e, l).Who
		case store.MailLost:
			resent = append(resent, l.At)
		}
	}
	if e.Status == schema.Pending {
		v.MailTo = n.asked(e)
		v.ResendsLeft, v.ResendAgain = api.Resends(resent, now)
	}
	return v
}

// How far the mail is that asks for the confirmation.
const (
	isMailed     = "mailed"
	isUnmailable = "unmailable" // the provider will never take it
)

// mailed tells that of an export that waits to be confirmed.
func (w *Web) mailed(ctx context.Context, e schema.Export) (state string, err error) {
	if e.Status != schema.Pending {
		return "", nil
	}
	settled, err := w.Exports.Letters(ctx, e.ID)
	for name, sent := range settled {
		if asked, _ := path.Match(schema.LetterName(schema.ConfirmationLetter, "*", e.Generation), name); !asked {
			continue
		}
		if sent {
			return isMailed, nil
		}
		state = isUnmailable
	}
	return state, err
}

// seen is another whenever the page must be drawn anew to be true. Progress is
// drawn by itself.
func seen(e schema.Export, lines []store.Deed, mailed string, now time.Time) string {
	late := !now.Before(e.ConfirmBy)
	if e.ExpiresAt != nil {
		late = !now.Before(*e.ExpiresAt)
	}
	var deeds int64
	for _, l := range lines {
		deeds += l.Times
	}
	return fmt.Sprintf("%s%s.%d.%d.%d.%t", e.Status, mailed, e.Generation, len(e.Categories), deeds, late && !e.Status.Ended())
}

// Live tells whether there is something to follow.
func (v dataExportView) Live() bool { return v.Latest != nil && !v.Latest.Status.Ended() }

// FileName is what the file is saved as.
func (v exportView) FileName() string {
	if v.CompletedAt == nil {
		return ""
	}
	return api.FileName(*v.CompletedAt)
}
