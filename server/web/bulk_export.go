package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/server/bulk"
)

const bulkExport = "/settings/bulk-export"

// Numbers of entries on the page. The API lists all.
const (
	shownJobs        = 10
	shownFiles       = 50
	shownDeliveries  = 20
	shownSubaccounts = 200
)

// bulkExportView is the Bulk Export page in Settings.
type bulkExportView struct {
	bulkLive
	MayExport bool
	Exporters []schema.Person // whom a member can ask
	Account   schema.Account
	Types     []schema.ResourceType
	Form      jobForm
	Daily     []dailyForm
	Site      schema.Site
	Limits    schema.BulkLimits
}

// bulkLive is the part of the page that changes.
type bulkLive struct {
	Now             time.Time
	Retention       time.Duration // of jobs and files
	Quota           quotaView
	Jobs            []jobView
	IsOlderPage     bool   // these are not the newest jobs
	Before, Older   string // values of the query parameter "before" for this page of jobs and the next
	Files           fileList
	Deliveries      []deliveryView
	Subaccounts     []bulk.Subaccount
	MoreSubaccounts int  // number of subaccounts that are not shown
	Active          bool // a job or webhook is in progress
	Fingerprint     string
	Flash           flash
}

// flash is a message about the action that was just submitted, and the section that shows it.
type flash struct {
	Section, Text string
	IsError       bool
}

// quotaView is how many days can still be requested today.
type quotaView struct {
	Used, Limit, Left int
	ResetsAt          time.Time
	Shared            bool // with subaccounts, or with a parent account
	OutOfBand         bool // rendered as an htmx out-of-band swap
}

// showBulkExport handles GET /settings/bulk-export.
func (w *Web) showBulkExport(c echo.Context) error {
	return w.renderBulkExport(c, http.StatusOK, func(*bulkExportView) {})
}

// renderBulkExport renders the page. change may modify what it shows.
func (w *Web) renderBulkExport(c echo.Context, status int, change func(*bulkExportView)) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	if !p.Role.MayExport() { // shows who may, and nothing else
		people, err := w.peopleOf(c.Request().Context(), p.Account)
		if err != nil {
			return err
		}
		return w.render(c, http.StatusForbidden, "bulk_export", "Bulk Export", bulkExportView{Exporters: people.exporters()})
	}
	view, err := w.newBulkExportView(c, p)
	if err != nil {
		return err
	}
	change(&view)
	return w.render(c, status, "bulk_export", "Bulk Export", view)
}

func (w *Web) newBulkExportView(c echo.Context, p auth.Principal) (view bulkExportView, err error) {
	ctx := c.Request().Context()
	view = bulkExportView{MayExport: true, Account: auth.AccountOf(c), Types: schema.ResourceTypes, Site: w.Site, Limits: w.Bulk.Limits}
	if view.bulkLive, err = w.newBulkLive(c, p); err != nil {
		return view, err
	}
	view.Flash = view.flashFor(c.QueryParam("done"))
	if view.Form, err = w.newJobForm(ctx, p, c.QueryParam("again"), view.Quota.Left); err != nil {
		return view, err
	}
	daily, err := w.Bulk.Configurations(ctx, p)
	for _, d := range daily {
		view.Daily = append(view.Daily, dailyForm{BulkConfiguration: d, Submitted: d})
	}
	return view, err
}

// showBulkLive handles GET /settings/bulk-export/live: the part that changes, or 204 if the
// page already shows it.
func (w *Web) showBulkLive(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	view, err := w.newBulkLive(c, p)
	if err != nil {
		return err
	}
	if view.Fingerprint == c.QueryParam("seen") {
		return c.NoContent(http.StatusNoContent)
	}
	view.Quota.OutOfBand = true
	html, err := w.renderFragment("bulk_export", "bulk-fresh", view)
	if err != nil {
		return err
	}
	return c.HTML(http.StatusOK, html)
}

func (w *Web) newBulkLive(c echo.Context, p auth.Principal) (v bulkLive, err error) {
	ctx := c.Request().Context()
	v.Retention = w.Bulk.Limits.Retention
	if v.Now, err = w.Exports.Now(ctx); err != nil {
		return v, err
	}
	if err := w.loadJobs(ctx, p, c.QueryParam("before"), &v); err != nil {
		return v, err
	}
	if v.Files, err = w.loadFiles(ctx, p, c.QueryParams()); err != nil {
		return v, err
	}
	events, err := w.Bulk.Events(ctx, p, shownDeliveries)
	if err != nil {
		return v, err
	}
	for _, e := range events {
		v.Deliveries = append(v.Deliveries, deliveryView{e})
		v.Active = v.Active || e.Status == schema.EventPending
	}
	if v.Subaccounts, v.MoreSubaccounts, err = w.Bulk.Subaccounts(ctx, p, shownSubaccounts); err != nil {
		return v, err
	}
	v.Quota.Shared = len(v.Subaccounts) > 0 || auth.AccountOf(c).Parent != ""
	if v.Quota.Used, v.Quota.Limit, v.Quota.ResetsAt, err = w.Bulk.Quota(ctx, p); err != nil {
		return v, err
	}
	v.Quota.Left = max(v.Quota.Limit-v.Quota.Used, 0)
	v.Fingerprint, err = v.fingerprint()
	return v, err
}

// loadJobs reads the page of jobs that follows the cursor in before.
func (w *Web) loadJobs(ctx context.Context, p auth.Principal, before string, v *bulkLive) error {
	cursor, ok := store.ParseJobCursor(before)
	if ok {
		v.IsOlderPage, v.Before = true, before
	}
	list, queues, err := w.Bulk.Jobs(ctx, p, "", cursor, shownJobs+1)
	if err != nil {
		return err
	}
	if len(list) > shownJobs {
		list = list[:shownJobs]
		v.Older = store.CursorAfter(list[shownJobs-1]).String()
	}
	users, err := w.peopleOf(ctx, p.Account)
	if err != nil {
		return err
	}
	for _, job := range list {
		view := newJobView(job, queues[job.ID], v.Now)
		view.Requester = users.displayName(job.RequestedBy)
		v.Jobs = append(v.Jobs, view)
		v.Active = v.Active || job.EndedAt == nil
	}
	return nil
}

// fingerprint changes whenever the part must be rendered again. Remaining times do not count:
// the script on the page updates them.
func (v bulkLive) fingerprint() (string, error) {
	shown := v
	shown.Now, shown.Flash = time.Time{}, flash{}
	shown.Jobs = make([]jobView, len(v.Jobs))
	for i, j := range v.Jobs {
		j.Queue.EstimatedEnd = time.Time{} // differs on every read; its text, Estimate, seldom does
		shown.Jobs[i] = j
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// PollInterval is how often a visible page asks for changes, in milliseconds.
func (v bulkLive) PollInterval() int {
	if v.Active {
		return 1500
	}
	return 15_000
}
