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

// How much the page shows; the API has it all.
const (
	shownJobs        = 10
	shownFiles       = 50
	firstFiles       = 8 // of them are seen at once
	shownDeliveries  = 20
	shownSubaccounts = 200
)

// bulkExportView is the page of bulk exports in Settings.
type bulkExportView struct {
	bulkLive
	MayExport bool
	Account   schema.Account
	Types     []schema.ResourceType
	Form      jobForm
	Daily     []dailyForm
	Site      schema.Site
	Limits    schema.BulkLimits
}

// bulkLive is the part of it that moves.
type bulkLive struct {
	Now         time.Time
	Retention   time.Duration // of jobs and files
	Quota       quotaView
	Jobs        []jobView
	Newer       bool   // whether these are not the newest jobs
	Here, Older string // queries that lead to this page of jobs, and to older ones
	Files       []schema.DayFile
	MoreFiles   bool
	Deliveries  []deliveryView
	Subaccounts []bulk.Subaccount
	Moreover    int  // subaccounts that are not shown
	Moving      bool // whether something is under way
	Seen        string
	Said        saying
}

// saying is what there is to say of what was just done, and where it is said.
type saying struct {
	Where, Text string
	Refused     bool
}

// quotaView is how many days can be asked for today.
type quotaView struct {
	Used, Limit, Left int
	ResetsAt          time.Time
	Shared            bool // with subaccounts, or with a parent and its others
	Fresh             bool // whether it is sent to be put in its place
}

// showBulkExport answers GET /settings/bulk-export.
func (w *Web) showBulkExport(c echo.Context) error {
	return w.bulkPage(c, http.StatusOK, func(*bulkExportView) {})
}

// bulkPage shows the page, after the last word on what it says.
func (w *Web) bulkPage(c echo.Context, status int, change func(*bulkExportView)) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	if !p.Role.MayExport() { // it is told who may, and nothing else
		return w.show(c, http.StatusForbidden, "bulk_export", "Bulk Export", bulkExportView{})
	}
	view, err := w.bulkViewOf(c, p)
	if err != nil {
		return err
	}
	change(&view)
	return w.show(c, status, "bulk_export", "Bulk Export", view)
}

func (w *Web) bulkViewOf(c echo.Context, p auth.Principal) (view bulkExportView, err error) {
	ctx := c.Request().Context()
	view = bulkExportView{MayExport: true, Account: auth.AccountOf(c), Types: schema.ResourceTypes, Site: w.Site, Limits: w.Bulk.Limits}
	if view.bulkLive, err = w.bulkLiveOf(c, p); err != nil {
		return view, err
	}
	view.Said = view.said(c.QueryParam("done"))
	if view.Form, err = w.newJobForm(ctx, p, c.QueryParam("again"), view.Quota.Left); err != nil {
		return view, err
	}
	daily, err := w.Bulk.Configurations(ctx, p)
	for _, d := range daily {
		view.Daily = append(view.Daily, dailyForm{BulkConfiguration: d, Typed: d})
	}
	return view, err
}

// showBulkLive answers GET /settings/bulk-export/live: the part that moves, or
// 204 where it is as the page has it.
func (w *Web) showBulkLive(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	view, err := w.bulkLiveOf(c, p)
	if err != nil {
		return err
	}
	if view.Seen == c.QueryParam("seen") {
		return c.NoContent(http.StatusNoContent)
	}
	view.Quota.Fresh = true
	html, err := w.fragment("bulk_export", "bulk-fresh", view)
	if err != nil {
		return err
	}
	return c.HTML(http.StatusOK, html)
}

func (w *Web) bulkLiveOf(c echo.Context, p auth.Principal) (v bulkLive, err error) {
	ctx := c.Request().Context()
	v.Retention = w.Bulk.Limits.Retention
	if v.Now, err = w.Exports.Now(ctx); err != nil {
		return v, err
	}
	if err := w.jobsOf(ctx, p, c.QueryParam("before"), &v); err != nil {
		return v, err
	}
	files, err := w.Bulk.DayFiles(ctx, p, shownFiles+1)
	if err != nil {
		return v, err
	}
	v.Files, v.MoreFiles = files[:min(len(files), shownFiles)], len(files) > shownFiles
	byDay(v.Files)
	events, err := w.Bulk.Events(ctx, p, shownDeliveries)
	if err != nil {
		return v, err
	}
	for _, e := range events {
		v.Deliveries = append(v.Deliveries, deliveryView{e})
		v.Moving = v.Moving || e.Status == schema.EventPending
	}
	if v.Subaccounts, v.Moreover, err = w.Bulk.Subaccounts(ctx, p, shownSubaccounts); err != nil {
		return v, err
	}
	v.Quota.Shared = len(v.Subaccounts) > 0 || auth.AccountOf(c).Parent != ""
	if v.Quota.Used, v.Quota.Limit, v.Quota.ResetsAt, err = w.Bulk.Quota(ctx, p); err != nil {
		return v, err
	}
	v.Quota.Left = max(v.Quota.Limit-v.Quota.Used, 0)
	v.Seen, err = v.seen()
	return v, err
}

// jobsOf reads a page of jobs, which begins behind the job that before names.
func (w *Web) jobsOf(ctx context.Context, p auth.Principal, before string, v *bulkLive) error {
	cursor, ok := store.ParseJobCursor(before)
	if ok {
		v.Newer, v.Here = true, before
	}
	list, queues, err := w.Bulk.Jobs(ctx, p, "", cursor, shownJobs+1)
	if err != nil {
		return err
	}
	if len(list) > shownJobs {
		list = list[:shownJobs]
		v.Older = store.CursorTo(list[shownJobs-1]).String()
	}
	people, err := w.namesOf(ctx, p.Account)
	if err != nil {
		return err
	}
	for _, job := range list {
		shown := showJob(job, queues[job.ID], v.Now)
		shown.By = people.of(job.RequestedBy)
		v.Jobs = append(v.Jobs, shown)
		v.Moving = v.Moving || job.EndedAt == nil
	}
	return nil
}

// seen is another whenever the page must be drawn anew to be true. Time that
// goes by is for the page to count.
func (v bulkLive) seen() (string, error) {
	shown := v
	shown.Now, shown.Said = time.Time{}, saying{}
	shown.Jobs = make([]jobView, len(v.Jobs))
	for i, j := range v.Jobs {
		j.Queue.Estimate = time.Time{} // it is another at every look; its words are not
		shown.Jobs[i] = j
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// Pace is how often a page that is looked at asks for news, in milliseconds.
func (v bulkLive) Pace() int {
	if v.Moving {
		return 1500
	}
	return 15_000
}
