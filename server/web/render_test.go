package web

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/bulk"
)

// testWeb has all templates and no dependencies.
var testWeb = sync.OnceValue(func() *Web {
	return New(Options{
		Pages: NewPages("https://export.example.com", true, ""),
		Site:  "https://export.example.com", Windows: schema.Windows{Confirm: 24 * time.Hour, Download: 24 * time.Hour, Cooldown: 24 * time.Hour},
		Note: func(c schema.Category) string { return "All " + c.Title() + ". Left out: secrets." },
	})
})

// renderPage renders a page and requires that the Content-Security-Policy allows all of it.
func renderPage(t *testing.T, name string, view any) string {
	t.Helper()
	w := testWeb()
	var html bytes.Buffer
	err := w.templates[name].Execute(&html, layoutData{
		Title: "Title", Now: began, Person: schema.Person{ID: "US1", Name: "Ada", Role: schema.Owner}, Account: schema.Account{Name: "Analytical Engines"}, Body: view,
	})
	require.NoError(t, err, name)
	require.NotRegexp(t, `<style|<[^>]+ style=|<[^>]+ on[a-z]+=|hx-on|javascript:|<script[^>]*>[^<]`, html.String())
	require.NotContains(t, html.String(), "%!", "a format verb does not match its argument")
	return html.String()
}

// exportPage renders Data Export with an export as its latest.
func exportPage(t *testing.T, change func(*schema.Export)) string {
	t.Helper()
	e := schema.Export{
		ID: "EX00112233445566778899aabbccddeeff", Account: "AC1", RequestedBy: "US1", Status: schema.Pending,
		RequestedAt: began, ConfirmBy: began.Add(24 * time.Hour),
	}
	change(&e)
	users := people{nameByID: map[string]string{"US1": "Ada"}}
	requested := store.AuditEntry{AuditEvent: store.AuditEvent{Action: store.ActionRequested, Actor: "US1", At: began}, Times: 1}
	downloaded := store.AuditEntry{AuditEvent: store.AuditEvent{Action: store.ActionDownloaded, Actor: "US1", At: began}, Times: 2}
	shown := users.exportView(e, []store.AuditEntry{requested, downloaded}, "", began)
	shown.Progress = newProgress(e, began)
	w := testWeb()
	return renderPage(t, "data_export", dataExportView{
		MayExport: true, Account: schema.Account{Name: "Analytical Engines"}, Now: began, Latest: &shown, Earlier: []exportView{shown},
		MayRequest: e.Status.Ended(), MailTo: "ada@example.com", CategoryNotes: w.categoryNotes, Windows: w.Windows,
	})
}

func TestEachStateOfAnExportIsRendered(t *testing.T) {
	t.Parallel()
	later, size, sum := began.Add(time.Hour), int64(468740550), strings.Repeat("ab", 32)
	for want, change := range map[string]func(*schema.Export){
		`data-status="pending"`:    func(*schema.Export) {},
		`data-status="processing"`: func(e *schema.Export) { *e = inProgress(schema.CategoryReading, 249, 999) },
		`data-stage="assembling"`:  func(e *schema.Export) { *e = inProgress(schema.CategoryDone, 249, 999) },
		`468,740,550 bytes`: func(e *schema.Export) {
			e.Status, e.CompletedAt, e.ExpiresAt, e.Size, e.SHA256 = schema.Completed, &began, &later, &size, &sum
		},
		`data-status="expired" data-reason="unconfirmed"`:   func(e *schema.Export) { e.Status, e.Reason = schema.Expired, schema.ReasonUnconfirmed },
		`data-status="expired" data-reason="deleted"`:       func(e *schema.Export) { e.Status, e.Reason = schema.Expired, schema.ReasonDeleted },
		`data-status="expired" data-reason="window_passed"`: func(e *schema.Export) { e.Status, e.Reason = schema.Expired, schema.ReasonWindowPassed },
		`data-status="cancelled"`:                           func(e *schema.Export) { e.Status, e.Reason = schema.Cancelled, "cancelled" },
		`data-status="failed" data-reason=""`: func(e *schema.Export) {
			e.Status, e.Reason, e.FailedCategory = schema.Failed, "We could not read your calls.", "calls"
		},
	} {
		page := exportPage(t, change)
		require.Contains(t, page, want)
		require.Equal(t, 1, strings.Count(page, `id="export"`), want)
	}
}

func TestThePageNamesEachCategoryOfTheCatalog(t *testing.T) {
	t.Parallel()
	page := exportPage(t, func(*schema.Export) {})
	for _, c := range schema.Categories {
		require.Contains(t, page, "<strong>"+categoryTitle(c)+"</strong> <span>All "+c.Title()+".</span>")
		require.Contains(t, page, "<dt>"+categoryTitle(c)+"</dt><dd>Left out: secrets.</dd>")
	}
	require.Contains(t, page, fmt.Sprintf("in %d categories", len(schema.Categories)))
}

func TestBulkExportIsRendered(t *testing.T) {
	t.Parallel()
	job := schema.Job{
		ID: "JS1", Type: schema.Calls, Name: "Autumn <review>", Start: "2026-03-01", End: "2026-03-02", CreatedAt: began,
		Days: []schema.JobDay{{Day: "2026-03-01", Status: schema.DayCompleted, Records: 1}, {Day: "2026-03-02", Status: schema.DaySubmitted}},
	}
	ended := job
	ended.ID, ended.EndedAt = "JS2", &began
	w := testWeb()
	event := schema.Event{ID: "E1", Type: schema.Calls, Day: "2026-03-01", Hook: schema.Hook{URL: "https://hooks.example.com/", Method: "POST"}, Status: schema.EventPending, Tries: 1}
	event.Log = []schema.EventAttempt{{At: began, Outcome: "refused with 500", Took: 1234}}
	given := event
	given.Status = schema.EventFailed
	view := bulkExportView{
		MayExport: true, Account: schema.Account{Name: "Analytical Engines"}, Types: schema.ResourceTypes, Site: w.Site, Limits: schema.DefaultBulkLimits(),
		Form:  jobForm{JobForm: bulk.JobForm{StartDay: "2026-03-01", EndDay: "2026-03-02", Email: "x"}, Newest: "2026-03-02", Problems: map[string]string{"email": "Wrong."}},
		Daily: []dailyForm{{BulkConfiguration: schema.BulkConfiguration{Type: schema.Calls, Enabled: true}, Problems: map[string]string{"url": "Wrong."}, Open: true}},
		bulkLive: bulkLive{
			Now: began, Retention: 7 * 24 * time.Hour, Quota: quotaView{Used: 1, Limit: 366, Left: 365, ResetsAt: began, Shared: true, OutOfBand: true},
			Jobs: []jobView{newJobView(job, schema.QueueStatus{Position: 2, EstimatedEnd: began.Add(time.Minute)}, began), newJobView(ended, schema.QueueStatus{}, began)},
			Files: fileList{
				Types: schema.ResourceTypes, Type: schema.Calls, Before: 9, Older: 5, Count: store.DayFileCounts{All: 100, Empty: 3},
				List: []schema.DayFile{{ID: "DF1", Type: schema.Calls, Day: "2026-03-01", Records: 1, Size: 1, ExpiresAt: began.Add(time.Hour)}},
			},
			Deliveries:  []deliveryView{{event}, {given}},
			Subaccounts: []bulk.Subaccount{{Account: schema.Account{ID: "AC2", Name: "Sub"}}}, MoreSubaccounts: 3,
			IsOlderPage: true, Before: "1.JS1", Older: "2.JS1", Active: true, Fingerprint: "f", Flash: flash{"jobs", "Saved.", false},
		},
	}
	page := renderPage(t, "bulk_export", view)
	for _, want := range []string{
		`id="email-problem"`, `id="url-problem-Calls"`, "Autumn &lt;review&gt;", "1 record", "1 byte", "refused with 500", "1,234 ms", `data-subaccount="AC2"`, "Saved.", "&amp;before=1.JS1",
	} {
		require.Contains(t, page, want)
	}
	require.NotRegexp(t, `\b1 (days|records|bytes|files|attempts)\b`, page)
	fresh, err := w.renderFragment("bulk_export", "bulk-fresh", view.bulkLive)
	require.NoError(t, err)
	require.Contains(t, fresh, `hx-swap-oob="true"`)
	require.NotContains(t, fresh, "job-form")
}

func TestMembersSeeOnlyWhoMayExport(t *testing.T) {
	t.Parallel()
	exporters := []schema.Person{{Name: "Ada", Role: schema.Owner}}
	for name, view := range map[string]any{"data_export": dataExportView{Exporters: exporters}, "bulk_export": bulkExportView{Exporters: exporters}} {
		page := renderPage(t, name, view)
		require.Contains(t, page, `<strong>Ada</strong> <span class="role quiet">owner</span>`)
		for _, word := range []string{"<form method=\"post\" action=\"/settings", `id="live"`, "tabs"} {
			require.NotContains(t, page, word, name)
		}
	}
}

func TestEachOtherPageIsRendered(t *testing.T) {
	t.Parallel()
	export := schema.Export{ID: "EX1", Account: "AC1", RequestedAt: began, ConfirmBy: began, ConfirmedAt: &began, ExpiresAt: &began}
	for _, state := range []string{stateUnknown, stateWaiting, stateSubmitted, stateRunning, stateReady, stateLapsed, stateStopped, stateOver} {
		for _, signedIn := range []bool{false, true} {
			l := linkedExport{ID: "EX1", Export: export, Known: true, SignedIn: signedIn}
			confirm := renderPage(t, "confirm", confirmView{linkedExport: l, State: state, Requester: "Grace", SignIn: "/sign-in", CategoryNotes: testWeb().categoryNotes})
			stop := renderPage(t, "stop", stopView{linkedExport: l, State: state, Requester: "Grace", SignIn: "/sign-in"})
			for _, page := range []string{confirm, stop} {
				require.Contains(t, page, `="`+state+`"`)
				require.Equal(t, signedIn && strings.Contains(page, `method="post" class`), strings.Contains(page, "Grace"), "no names are shown to anonymous readers")
			}
		}
	}
	require.Contains(t, renderPage(t, "message", messageView{Status: 503, Heading: "Heading", Sentence: "Sentence", RequestID: "r", Hint: "h", LinkDataExport: true, RetryPath: "/x", SignOutReturn: "/y"}), `href="/x"`)
	require.Contains(t, renderPage(t, "message", messageView{Status: 404, LinkDataExport: true, LinkBulkExport: true}), "Go to Bulk Export")
	require.Contains(t, renderPage(t, "sign_in", signInView{Reason: "Please sign in.", Return: "/x", URL: "https://app.example.com/", SignedIn: true,
		Accounts: []signInAccount{{Account: schema.Account{Name: "Sub", Suspended: true}, People: []signInPerson{{schema.Person{Name: "Ada"}, "/dev"}}}}}), `href="/dev"`)
	require.Contains(t, renderPage(t, "unsubscribe", unsubscribeView{}), `id="unsubscribe"`)
	require.NotContains(t, renderPage(t, "unsubscribe", unsubscribeView{Done: true}), `id="unsubscribe"`)
	require.Contains(t, renderPage(t, "explain", explainView{"Error 20001", []string{"Text."}}), "<p>Text.</p>")
}

func TestTheFormSaysWhatItLeavesOfTheQuota(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		left, days     int
		state, summary string
	}{
		{366, 0, "", "Choose a first and a last day."},
		{366, 7, "", "This requests 7 days and leaves 359 of today’s 366 days."},
		{366, 1, "", "This requests 1 day and leaves 365 of today’s 366 days."},
		{7, 7, "", "This requests 7 days and leaves 0 of today’s 366 days."},
		{7, 8, "over", "This requests 8 days, but only 7 of today’s 366 days are left."},
		{1, 1200, "over", "This requests 1,200 days, but only 1 of today’s 366 days is left."},
		{0, 1, "spent", "This requests 1 day, but only 0 of today’s 366 days are left."},
	} {
		q := quotaView{Left: c.left, Limit: 366}
		require.Equal(t, c.state, q.State(c.days))
		require.Equal(t, c.summary, q.Summary(c.days))
	}
}

func TestFormErrorsUseTheLabelsOfThePage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ code, message, field, want string }{
		{"invalid_StartDay", "StartDay is missing.", "start", "The first day is missing."},
		{"invalid_EndDay", "EndDay 2026-02-01 is before StartDay 2026-03-01.", "end", "The last day 2026-02-01 is before the first day 2026-03-01."},
		{"invalid_EndDay", "StartDay 2025-01-01 to EndDay 2026-03-01 is 425 days. A job can have at most 366 days.", "end",
			"The first day 2025-01-01 to the last day 2026-03-01 is 425 days. A job can have at most 366 days."},
		{"invalid_WebhookUrl", "WebhookMethod is set, but WebhookUrl is not. Set both or neither.", "url", "The webhook’s method is set, but the webhook’s URL is not. Set both or neither."},
		{"invalid_WebhookUrl", "WebhookUrl cannot be used. The webhook URL must begin with https://.", "url", "The webhook’s URL must begin with https://."},
		{"invalid_Email", "Email is not a single plain email address.", "email", "The email address is not a single plain email address."},
		{"something", "It failed.", "", "It failed."},
	} {
		require.Equal(t, map[string]string{c.field: c.want}, formProblems(schema.Errorf(schema.Invalid, c.code, "%s", c.message)))
	}
	require.Nil(t, formProblems(schema.Errorf(schema.Forbidden, schema.CodeRole, "No.")))
	require.Nil(t, formProblems(nil))
}
