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

// jobForm is what somebody typed to ask for a job, and what is wrong with it.
type jobForm struct {
	bulk.JobForm
	Type           string
	Oldest, Newest schema.Day
	Problems       map[string]string // by name of the field; "" is that of the whole
}

// usualDays is how many days the form proposes.
const usualDays = 7

// newJobForm is the form before anybody typed: the latest days, as many as
// today's quota still has, or those of a job that somebody wants again.
func (w *Web) newJobForm(ctx context.Context, p auth.Principal, again string, left int) (jobForm, error) {
	newest, err := w.Bulk.NewestDay(ctx)
	f := jobForm{Oldest: "0001-01-01", Newest: newest, Type: string(schema.ResourceTypes[0])}
	f.StartDay, f.EndDay, f.WebhookMethod = string(newest.Plus(1-max(min(usualDays, left), 1))), string(newest), "POST"
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

// Days counts the days it asks for; 0 where that cannot be told.
func (f jobForm) Days() int {
	first, ok := schema.ParseDay(f.StartDay)
	last, also := schema.ParseDay(f.EndDay)
	if !ok || !also {
		return 0
	}
	return first.DaysTo(last)
}

// MoreOpen tells whether the fields that few need are to be seen.
func (f jobForm) MoreOpen() bool {
	return f.WebhookURL != "" || f.Email != "" || f.Problems["url"] != "" || f.Problems["method"] != "" || f.Problems["email"] != ""
}

// State tells a form that asks for more than there is from one that cannot ask
// for anything today.
func (q quotaView) State(days int) string {
	switch {
	case q.Left == 0:
		return "spent"
	case days > q.Left:
		return "over"
	}
	return ""
}

// Asks says what a form that asks for so many days leaves of the quota, where
// there is some. The script on the page says it the same way.
func (q quotaView) Asks(days int) string {
	switch {
	case days == 0:
		return "Choose a first and a last day."
	case days > q.Left:
		return fmt.Sprintf("This asks for %s, and only %s of today’s %s left.", plural(int64(days), "day"), count(int64(q.Left)), limitIs(q))
	}
	return fmt.Sprintf("This asks for %s, and leaves %s of today’s %s.", plural(int64(days), "day"), count(int64(q.Left-days)), count(int64(q.Limit)))
}

func limitIs(q quotaView) string {
	if q.Left == 1 {
		return count(int64(q.Limit)) + " is"
	}
	return count(int64(q.Limit)) + " are"
}

// dailyForm is what an account wants of a type every day, and what somebody
// typed to change it, with what is wrong with that.
type dailyForm struct {
	schema.BulkConfiguration
	Typed    schema.BulkConfiguration
	Open     bool
	Problems map[string]string
}

// Ways a webhook can be called.
func (dailyForm) Methods() []string { return []string{"POST", "GET"} }
func (jobForm) Methods() []string   { return []string{"POST", "GET"} }

// fields are what the API calls them, and the page.
var fields = map[string]string{
	"invalid_StartDay": "start", "invalid_EndDay": "end", "invalid_FriendlyName": "name",
	"invalid_WebhookUrl": "url", "invalid_WebhookMethod": "method", "invalid_Email": "email", "quota": "quota",
}

// toPeople says in words of the page what the API says in its own.
var toPeople = strings.NewReplacer(
	"WebhookUrl cannot be used. The webhook URL", "The webhook’s URL",
	"before StartDay", "before the first day", "to EndDay", "to the last day",
	"StartDay", "The first day", "EndDay", "The last day", "FriendlyName", "The name",
	"WebhookUrl", "The webhook’s URL", "WebhookMethod", "The webhook’s method", "Email", "The e-mail address",
)

// problemsOf puts what is wrong with a form beside the field that it is about.
// It is nil where err is about something else.
func problemsOf(err error) map[string]string {
	known, _ := errors.AsType[*schema.Error](err)
	switch schema.KindOf(err) {
	case schema.Invalid, schema.Limited, schema.Unavailable:
		return map[string]string{fields[known.Code]: toPeople.Replace(known.Message)}
	}
	return nil
}

// wrong is what is wrong with a field, and the ID of the sentence that says so.
type wrong struct{ ID, Text string }

// attributes tell programs that read the page aloud.
func (w wrong) attributes() template.HTMLAttr {
	if w.Text == "" {
		return ""
	}
	return template.HTMLAttr(`aria-invalid="true" aria-describedby="` + w.ID + `"`) //nolint:gosec // our own words
}
