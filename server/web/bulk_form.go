package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"strings"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/bulk"
)

// jobForm holds the submitted fields of the new-job form and what is wrong with them.
type jobForm struct {
	bulk.JobForm
	Type           string
	Oldest, Newest schema.Day
	Problems       map[string]string // by field name; "" for the whole form
}

// defaultDays is how many days an empty form proposes.
const defaultDays = 7

// newJobForm returns the initial form: the newest days, as many as today's quota allows, or
// the fields of the job whose ID is in again.
func (w *Web) newJobForm(ctx context.Context, p auth.Principal, again string, left int) (jobForm, error) {
	newest, err := w.Bulk.NewestDay(ctx)
	f := jobForm{Oldest: "0001-01-01", Newest: newest, Type: string(schema.ResourceTypes[0])}
	f.StartDay, f.EndDay, f.WebhookMethod = string(newest.Plus(1-max(min(defaultDays, left), 1))), string(newest), "POST"
	if err != nil || again == "" {
		return f, err
	}
	job, _, err := w.Bulk.Job(ctx, p, again)
	if schema.KindOf(err) == schema.NotFound {
		return f, nil
	}
	f.Type, f.StartDay, f.EndDay, f.FriendlyName = string(job.Type), string(job.Start), string(job.End), job.Name
	f.WebhookURL, f.Email = job.URL, job.Email
	if job.Method != "" {
		f.WebhookMethod = job.Method
	}
	return f, err
}

// Days returns how many days the form requests, or 0 if its dates are invalid.
func (f jobForm) Days() int {
	first, ok := schema.ParseDay(f.StartDay)
	last, also := schema.ParseDay(f.EndDay)
	if !ok || !also {
		return 0
	}
	return first.DaysTo(last)
}

// ShowNotifications reports whether the rarely used email and webhook fields start visible.
func (f jobForm) ShowNotifications() bool {
	return f.WebhookURL != "" || f.Email != "" || f.Problems["url"] != "" || f.Problems["method"] != "" || f.Problems["email"] != ""
}

// State is "spent" if no days are left today, and "over" if the form requests more than are
// left.
func (q quotaView) State(days int) string {
	switch {
	case q.Left == 0:
		return "spent"
	case days > q.Left:
		return "over"
	}
	return ""
}

// Summary says what a form for so many days leaves of the quota, if any is left.
// static/bulk.js builds the same sentence.
func (q quotaView) Summary(days int) string {
	switch {
	case days == 0:
		return "Choose a first and a last day."
	case days > q.Left:
		return fmt.Sprintf("This requests %s, but only %s left.", schema.Plural(int64(days), "day"), q.ofLimit(q.Left))
	}
	return fmt.Sprintf("This requests %s and leaves %s of today’s %s.",
		schema.Plural(int64(days), "day"), schema.FormatCount(int64(q.Left-days)), schema.Plural(int64(q.Limit), "day"))
}

// ofLimit says "1 of today’s 366 days is", "361 of today’s 366 days are".
func (q quotaView) ofLimit(n int) string {
	verb := "are"
	if n == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%s of today’s %s %s", schema.FormatCount(int64(n)), schema.Plural(int64(q.Limit), "day"), verb)
}

// dailyForm holds the daily export settings of a resource type, the submitted changes and what
// is wrong with them.
type dailyForm struct {
	schema.BulkConfiguration
	Submitted schema.BulkConfiguration
	Open      bool
	Problems  map[string]string
}

// Methods lists the HTTP methods of webhooks.
func (dailyForm) Methods() []string { return []string{"POST", "GET"} }
func (jobForm) Methods() []string   { return []string{"POST", "GET"} }

// formFields maps error codes of the API to field names of the page.
var formFields = map[string]string{
	"invalid_StartDay": "start", "invalid_EndDay": "end", "invalid_FriendlyName": "name",
	"invalid_WebhookUrl": "url", "invalid_WebhookMethod": "method", "invalid_Email": "email", "quota": "quota",
}

// formTerms replaces parameter names of the API by the labels on the page.
var formTerms = strings.NewReplacer(
	"WebhookUrl cannot be used. The webhook URL", "The webhook’s URL",
	"but WebhookUrl", "but the webhook’s URL", "but WebhookMethod", "but the webhook’s method",
	"before StartDay", "before the first day", "to EndDay", "to the last day",
	"StartDay", "The first day", "EndDay", "The last day", "FriendlyName", "The name",
	"WebhookUrl", "The webhook’s URL", "WebhookMethod", "The webhook’s method", "Email", "The email address",
)

// formProblems returns the message of a form error by the field it belongs to, or nil if the
// error is not about the form.
func formProblems(err error) map[string]string {
	known, _ := errors.AsType[*schema.Error](err)
	switch schema.KindOf(err) {
	case schema.Invalid, schema.Limited, schema.Unavailable:
		return map[string]string{formFields[known.Code]: formTerms.Replace(known.Message)}
	}
	return nil
}

// fieldError is the error message of a field, and the message's element ID.
type fieldError struct{ ID, Text string }

// attributes associates the message with its field for screen readers.
func (w fieldError) attributes() template.HTMLAttr {
	if w.Text == "" {
		return ""
	}
	return template.HTMLAttr(`aria-invalid="true" aria-describedby="` + w.ID + `"`) //nolint:gosec // our own words
}
