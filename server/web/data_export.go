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

// maxEarlier is how many earlier exports the page lists.
const maxEarlier = 20

// dataExportView is the Data Export page in Settings.
type dataExportView struct {
	MayExport      bool
	Exporters      []schema.Person // whom a member can ask
	Account        schema.Account
	Unmailable     []schema.Person // owners and admins who cannot be notified: their addresses are not valid
	Flash          string          // message about the action that was just submitted
	Cancelling     bool            // cancelled, but the workflow has not ended it yet
	Rejection      string          // why an action was rejected
	Now            time.Time
	Latest         *exportView
	Earlier        []exportView // older exports
	MayRequest     bool
	AvailableAt    *time.Time // end of the cooldown, nil if none
	MailTo         string     // address that a confirmation would be mailed to
	IdempotencyKey string     // submitting the form twice is one request
	CategoryNotes  []categoryNote
	Windows        schema.Windows
	TemporalURL    string // the workflow run, for operators
}

// exportView is one export on the page.
type exportView struct {
	schema.Export
	Requester   string
	Records     int64
	HasFile     bool
	Lapsed      bool // its window has passed, but its workflow has not ended it yet
	Timeline    []timelineEntry
	Downloads   int64
	Removed     int    // number of objects removed
	EndedBy     string // who ended it, "" if no one did
	Fingerprint string

	MailTo      []string
	MailState   string // mailSent, mailUndeliverable, or "" while it is pending
	ResendsLeft int
	ResendAgain time.Time
	Progress    progress
}

// showDataExport handles GET /settings/data-export.
func (w *Web) showDataExport(c echo.Context) error {
	return w.renderDataExport(c, http.StatusOK, "")
}

func (w *Web) renderDataExport(c echo.Context, status int, rejection string) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	if !p.Role.MayExport() { // shows who may, and nothing else
		people, err := w.peopleOf(c.Request().Context(), p.Account)
		if err != nil {
			return err
		}
		return w.render(c, http.StatusForbidden, "data_export", "Data Export", dataExportView{Exporters: people.exporters()})
	}
	view, err := w.newDataExportView(c.Request().Context(), p, nil)
	if err != nil {
		return err
	}
	view.Account, view.Rejection = auth.AccountOf(c), rejection
	view.MailTo = auth.PersonOf(c).Email
	if rejection == "" {
		view.Flash = flashFor(c.QueryParam("done"), view.Latest)
	}
	view.Cancelling = cancelling(c, view.Latest)
	return w.render(c, status, "data_export", "Data Export", view)
}

// cancelling reports whether the latest export was cancelled from this page and its workflow
// has not ended it yet. No row says so: the page's URL does.
func cancelling(c echo.Context, latest *exportView) bool {
	return latest != nil && latest.Status.Cancellable() && c.QueryParam("cancelled") == latest.ID
}

// newDataExportView loads everything that the page shows. An export that is given is shown as
// it is given.
func (w *Web) newDataExportView(ctx context.Context, p auth.Principal, known *schema.Export) (dataExportView, error) {
	view := dataExportView{MayExport: true, MayRequest: true, IdempotencyKey: schema.NewExportID(), CategoryNotes: w.categoryNotes, Windows: w.Windows}
	list, err := w.API.List(ctx, p)
	if err != nil {
		return view, err
	}
	for i := range list {
		if known != nil && list[i].ID == known.ID {
			list[i] = *known
		}
	}
	if view.Now, err = w.Exports.Now(ctx); err != nil {
		return view, err
	}
	users, err := w.peopleOf(ctx, p.Account)
	if err != nil {
		return view, err
	}
	for _, p := range users.exporters() {
		if schema.CheckEmailAddress(p.Email) != nil {
			view.Unmailable = append(view.Unmailable, p)
		}
	}
	list, view.AvailableAt = list[:min(len(list), 1+maxEarlier)], cooldownEnd(list, view.Now)
	timelines, err := w.Exports.AuditTrails(ctx, p.Account, exportIDs(list))
	if err != nil {
		return view, err
	}
	for i, e := range list {
		mailState, err := w.confirmationMail(ctx, e)
		if err != nil {
			return view, err
		}
		shown := users.exportView(e, timelines[e.ID], mailState, view.Now)
		switch {
		case i == 0:
			view.Latest = &shown
			if e.Status.Cancellable() {
				shown.Progress = w.progressWithEstimate(e, view.Now)
			}
		case e.Status.Ended():
			view.Earlier = append(view.Earlier, shown)
		}
	}
	view.MayRequest = view.AvailableAt == nil && (view.Latest == nil || view.Latest.Status.Ended())
	if w.TemporalURL != nil {
		view.TemporalURL = w.TemporalURL(p.Account)
	}
	return view, nil
}

// cooldownEnd returns the end of the account's cooldown, or nil if there is none.
func cooldownEnd(list []schema.Export, now time.Time) *time.Time {
	for _, e := range list {
		if e.AvailableAgainAt != nil && e.AvailableAgainAt.After(now) {
			return e.AvailableAgainAt
		}
	}
	return nil
}

func exportIDs(list []schema.Export) []string {
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	return ids
}

// exportView builds the view of one export.
func (n people) exportView(e schema.Export, entries []store.AuditEntry, mailState string, now time.Time) exportView {
	v := exportView{Export: e, Requester: n.requester(e), Timeline: n.timeline(e, entries), MailState: mailState, Fingerprint: fingerprint(e, entries, mailState, now)}
	v.HasFile = e.Status == schema.Completed && e.ExpiresAt != nil && now.Before(*e.ExpiresAt)
	v.Lapsed = e.Status == schema.Completed && !v.HasFile || e.Status == schema.Pending && !now.Before(e.ConfirmBy)
	for _, c := range e.Categories {
		v.Records += c.Records
	}
	var resent []time.Time
	for _, l := range entries {
		switch l.Action {
		case store.ActionDownloaded:
			v.Downloads += l.Times
		case store.ActionRemoved:
			v.Removed, v.EndedBy = l.Objects, n.removalEntry(e, l).Actor
		case store.ActionResendRequested:
			resent = append(resent, l.At)
		}
	}
	if e.Status == schema.Pending {
		v.MailTo = n.recipients(e)
		v.ResendsLeft, v.ResendAgain = api.Resends(resent, now)
	}
	return v
}

// Delivery states of the confirmation mail.
const (
	mailSent          = "mailed"
	mailUndeliverable = "unmailable" // the provider rejected it for good
)

// confirmationMail returns the delivery state of a pending export's confirmation mail.
func (w *Web) confirmationMail(ctx context.Context, e schema.Export) (state string, err error) {
	if e.Status != schema.Pending {
		return "", nil
	}
	outcomes, err := w.Exports.EmailOutcomes(ctx, e.ID)
	for name, sent := range outcomes {
		if match, _ := path.Match(schema.EmailKey(schema.ConfirmationEmail, "*", e.LinkVersion), name); !match {
			continue
		}
		if sent {
			return mailSent, nil
		}
		state = mailUndeliverable
	}
	return state, err
}

// fingerprint changes whenever the page must be rendered again. Progress is rendered
// separately.
func fingerprint(e schema.Export, entries []store.AuditEntry, mailState string, now time.Time) string {
	late := !now.Before(e.ConfirmBy)
	if e.ExpiresAt != nil {
		late = !now.Before(*e.ExpiresAt)
	}
	var actions int64
	for _, l := range entries {
		actions += l.Times
	}
	return fmt.Sprintf("%s%s.%d.%d.%d.%t", e.Status, mailState, e.LinkVersion, len(e.Categories), actions, late && !e.Status.Ended())
}

// Live reports whether the page follows an export's events.
func (v dataExportView) Live() bool { return v.Latest != nil && !v.Latest.Status.Ended() }

// FileName is the name that the file is saved under.
func (v exportView) FileName() string {
	if v.CompletedAt == nil {
		return ""
	}
	return api.FileName(*v.CompletedAt)
}
