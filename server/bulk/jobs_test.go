package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go/rest/bulkexports/v1"
	"go.temporal.io/sdk/client"

	"satchel/schema"
	"satchel/server/bulk"
	"satchel/workflows"
	"satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

func job(start, end schema.Day, more ...string) url.Values {
	form := url.Values{"StartDay": {string(start)}, "EndDay": {string(end)}, "FriendlyName": {"March audit"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

const messageJobs = "/v1/Exports/Messages/Jobs"

// create asks for a job and takes no refusal.
func (w *world) create(as caller, form url.Values) bulk.JobView {
	w.t.Helper()
	a := w.send(as, http.MethodPost, messageJobs, form)
	require.Equal(w.t, http.StatusCreated, a.status, a.body)
	return decode[bulk.JobView](w.t, a.body)
}

func (w *world) show(as caller, id string) bulk.JobView {
	w.t.Helper()
	a := w.send(as, http.MethodGet, "/v1/Exports/Jobs/"+id, nil)
	require.Equal(w.t, http.StatusOK, a.status, a.body)
	return decode[bulk.JobView](w.t, a.body)
}

// until waits for all days of a job to have one of these statuses.
func (w *world) until(as caller, id string, statuses ...schema.DayStatus) bulk.JobView {
	w.t.Helper()
	var v bulk.JobView
	eventually(w.t, fmt.Sprint("the days are ", statuses), func() bool {
		v = w.show(as, id)
		for _, d := range v.Details {
			known := false
			for _, s := range statuses {
				known = known || d.Status == s
			}
			if !known {
				return false
			}
		}
		return true
	})
	return v
}

func TestAJobGoesFromItsRequestToItsFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	release := w.platform.block()
	t.Cleanup(release)
	start := yesterday().Plus(-2)
	w.platform.has(w.program.account, schema.Messages, start, "SM1", "SM2")

	a := w.send(w.program, http.MethodPost, messageJobs, job(start, yesterday(), "WebhookUrl", "https://hooks.example.com/bulk", "WebhookMethod", "post", "Unknown", "x"))
	require.Equal(t, http.StatusCreated, a.status, a.body)
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	theirs := decode[twilio.BulkexportsV1ExportCustomJob](t, a.body)
	require.Regexp(t, regexp.MustCompile(`^JS[0-9a-f]{32}$`), *theirs.JobSid)
	require.Equal(t, "POST", *theirs.WebhookMethod)
	require.Len(t, *theirs.Details, 1)
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$`, *theirs.EstimatedCompletionTime)
	keys := decode[map[string]any](t, a.body)
	require.Len(t, keys, 11, "every key and no other")
	require.Contains(t, keys, "email")
	require.Nil(t, keys["email"])
	require.NotContains(t, keys, "url")
	asked := decode[bulk.JobView](t, a.body)
	days := 0
	for _, d := range asked.Details {
		days += d.Count
	}
	require.Equal(t, 3, days)

	one := w.send(w.program, http.MethodGet, "/v1/Exports/Jobs/"+asked.JobSid, nil)
	require.Equal(t, site+"/v1/Exports/Jobs/"+asked.JobSid, *decode[twilio.BulkexportsV1Job](t, one.body).Url)
	release()
	done := w.until(w.program, asked.JobSid, schema.DayCompleted, schema.DayCompletedEmpty)
	require.Equal(t, []bulk.DetailView{
		{Status: schema.DayCompleted, Count: 1, Days: []schema.Day{start}},
		{Status: schema.DayCompletedEmpty, Count: 2, Days: []schema.Day{start.Plus(1), start.Plus(2)}},
	}, done.Details)
	require.Nil(t, done.JobQueuePosition)
	eventually(t, "the job has ended", func() bool { return w.show(w.program, asked.JobSid).EstimatedCompletionTime == nil })
	refused(t, w.send(w.program, http.MethodDelete, "/v1/Exports/Jobs/"+asked.JobSid, nil), 409, 20409)

	list := w.send(w.program, http.MethodGet, "/v1/Exports/Messages/Days", nil)
	theirDays := decode[twilio.ListDayResponse](t, list.body)
	require.Len(t, theirDays.Days, 3)
	require.Equal(t, "March audit", *theirDays.Days[0].FriendlyName)
	require.Equal(t, string(schema.DayOf(time.Now())), *theirDays.Days[0].CreateDate)
	require.NotZero(t, theirDays.Days[0].Size)
	require.Contains(t, w.send(w.program, http.MethodGet, "/v1/Exports/Calls/Days", nil).body, `"days":[]`)
}

func TestAJobThatIsDeletedEndsAndTellsSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	release := w.platform.block()
	t.Cleanup(release)
	asked := w.create(w.program, job(yesterday().Plus(-9), yesterday()))
	eventually(t, "days run", func() bool { return w.show(w.program, asked.JobSid).Details[0].Count < 10 })
	gone := w.send(w.program, http.MethodDelete, "/v1/Exports/Jobs/"+asked.JobSid, nil)
	require.Equal(t, http.StatusNoContent, gone.status, gone.body)
	require.Empty(t, gone.body)
	winding := w.show(w.program, asked.JobSid)
	for _, d := range winding.Details {
		require.Contains(t, []schema.DayStatus{schema.DayRunningToBeDeleted, schema.DayDeleted}, d.Status)
	}
	again := w.send(w.program, http.MethodDelete, "/v1/Exports/Jobs/"+asked.JobSid, nil)
	require.Contains(t, []int{204, 409}, again.status, "204 while it winds down, which may be over")
	release()
	w.until(w.program, asked.JobSid, schema.DayDeleted)
	eventually(t, "the job has ended", func() bool {
		return w.send(w.program, http.MethodDelete, "/v1/Exports/Jobs/"+asked.JobSid, nil).status == 409
	})
	listed := w.send(w.program, http.MethodGet, messageJobs, nil)
	require.Contains(t, listed.body, asked.JobSid, "it stays listed for a week")
	used, _, _, err := w.bulk.Quota(t.Context(), w.principal(w.program))
	require.NoError(t, err)
	require.Equal(t, 10, used, "deleting gives nothing back")
}

func TestAJobThatIsWindingDownCanBeDeletedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t)) // nothing is left to be asked for
	winding := schema.JobOpening{ID: schema.NewJobID(), Account: w.program.account, Family: w.parent.account, Type: schema.Messages,
		Start: yesterday(), End: yesterday(), QuotaDays: 366, JobRequest: schema.JobRequest{Name: "a"}}
	require.NoError(t, w.store.OpenJob(t.Context(), winding))
	runs, err := w.store.BeginDay(t.Context(), winding.ID, yesterday())
	require.NoError(t, err)
	require.True(t, runs)
	require.NoError(t, w.store.StopJob(t.Context(), winding.ID, w.program.name))
	require.Equal(t, schema.DayRunningToBeDeleted, w.show(w.program, winding.ID).Details[0].Status)
	for range 2 {
		again := w.send(w.program, http.MethodDelete, "/v1/Exports/Jobs/"+winding.ID, nil)
		require.Equal(t, http.StatusNoContent, again.status, again.body)
		require.Empty(t, again.body)
	}
}

func TestWhatCannotBeAJobIsRefusedAndCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t)) // nothing of this gets as far as Temporal
	last := yesterday()
	today := schema.DayOf(time.Now())
	long := strings.Repeat("é", 257)
	for name, c := range map[string]struct {
		form url.Values
		word string
	}{
		"no start":             {job("", last), "StartDay"},
		"no end":               {job(last, ""), "EndDay"},
		"nothing":              {url.Values{}, "StartDay"},
		"a start with a time":  {job(last+"T00:00:00Z", last), "StartDay"},
		"a short day":          {job("2026-3-1", last), `"2026-3-1"`},
		"a day that is not":    {job("2026-02-30", last), "2026-02-30"},
		"words":                {job("yesterday", last), "StartDay"},
		"year nought":          {job("0000-01-01", last), "StartDay"},
		"end before start":     {job("2026-03-05", "2026-03-01"), "EndDay 2026-03-01 is before StartDay 2026-03-05"},
		"today":                {job(last, today), string(today)},
		"the future":           {job(last, today.Plus(30)), "EndDay"},
		"367 days":             {job(last.Plus(-366), last), "367 days"},
		"no name":              {job(last, last, "FriendlyName", ""), "FriendlyName"},
		"a long name":          {job(last, last, "FriendlyName", long), "257"},
		"a name of two lines":  {job(last, last, "FriendlyName", "a\nb"), "control"},
		"a name of no text":    {job(last, last, "FriendlyName", "a\xff"), "UTF-8"},
		"half a webhook":       {job(last, last, "WebhookUrl", "https://hooks.example.com/"), "WebhookMethod"},
		"the other half":       {job(last, last, "WebhookMethod", "POST"), "WebhookUrl"},
		"another method":       {job(last, last, "WebhookUrl", "https://hooks.example.com/", "WebhookMethod", "PUT"), "PUT"},
		"a relative webhook":   {job(last, last, "WebhookUrl", "/hooks", "WebhookMethod", "POST"), "WebhookUrl"},
		"another scheme":       {job(last, last, "WebhookUrl", "ftp://hooks.example.com/", "WebhookMethod", "POST"), "WebhookUrl"},
		"a webhook of ours":    {job(last, last, "WebhookUrl", "https://127.0.0.1/", "WebhookMethod", "POST"), "WebhookUrl"},
		"a fragment":           {job(last, last, "WebhookUrl", "https://hooks.example.com/#a", "WebhookMethod", "POST"), "WebhookUrl"},
		"a long webhook":       {job(last, last, "WebhookUrl", "https://hooks.example.com/"+strings.Repeat("a", 2048), "WebhookMethod", "GET"), "2048"},
		"no e-mail":            {job(last, last, "Email", "nobody"), "Email"},
		"two e-mails":          {job(last, last, "Email", "a@example.com, b@example.com"), "Email"},
		"an e-mail and a name": {job(last, last, "Email", "Ada <ada@example.com>"), "Email"},
		"a second header":      {job(last, last, "Email", "a@example.com\r\nBcc: b@example.com"), "Email"},
	} {
		a := w.send(w.program, http.MethodPost, messageJobs, c.form)
		require.Equal(t, 400, a.status, "%s: %s", name, a.body)
		refused(t, a, 400, 20001, c.word)
	}
	asJSON := w.send(w.program, http.MethodPost, messageJobs, url.Values{"a": {"b"}}, header("Content-Type", "application/json"))
	refused(t, asJSON, 400, 20001, "application/x-www-form-urlencoded")
	large := w.send(w.program, http.MethodPost, messageJobs, job(last, last, "X", strings.Repeat("x", 65<<10)))
	refused(t, large, 413, 20413)
	inURL := w.send(w.program, http.MethodPost, messageJobs+"?"+job(last, last).Encode(), nil)
	refused(t, inURL, 400, 20001)
	used, limit, resets, err := w.bulk.Quota(t.Context(), w.principal(w.program))
	require.NoError(t, err)
	require.Zero(t, used)
	require.Equal(t, 366, limit)
	require.Equal(t, schema.DayOf(time.Now()).Plus(1).Begins(), resets)

	away := w.send(w.program, http.MethodPost, messageJobs, job(last.Plus(-365), last, "FriendlyName", strings.Repeat("é", 256)))
	refused(t, away, 503, 20503)
	require.NotEmpty(t, away.header.Get("Retry-After"))
	require.Contains(t, w.send(w.program, http.MethodGet, messageJobs, nil).body, `"jobs":[]`, "nothing half done")
}

// deaf is a Temporal that does as it is told and whose answers are lost.
type deaf struct{ client.Client }

func (d deaf) UpdateWithStartWorkflow(ctx context.Context, o client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	if _, err := d.Client.UpdateWithStartWorkflow(ctx, o); err != nil {
		return nil, err
	}
	return nil, errors.New("the answer is lost")
}

func TestWhereTheAnswerIsLostTheJobsRowTellsWhetherItIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *bulk.Options) { o.Limits.QuotaDays = 1 })
	w.work()
	w.bulk.Temporal = deaf{w.temporal}
	asked := w.create(w.program, job(yesterday(), yesterday()))
	w.until(w.program, asked.JobSid, schema.DayCompletedEmpty)
	refused(t, w.send(w.program, http.MethodPost, messageJobs, job(yesterday(), yesterday())), 503, 20503)
	require.Equal(t, 1, strings.Count(w.send(w.program, http.MethodGet, messageJobs, nil).body, `"job_sid"`))
}

// As when Temporal keeps what it was asked until a worker comes.
func TestAJobWhoseCallerHasGoneIsNotOpenedAndCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	now, err := w.store.Now(t.Context())
	require.NoError(t, err)
	id := schema.NewJobID()
	sealed, err := w.vault.Seal(t.Context(), []byte("{}"), w.program.account, schema.SealedJob(id))
	require.NoError(t, err)
	late := bulkexport.BulkJobInput{ID: id, Account: w.program.account, QuotaAccount: w.program.account, Type: schema.Calls, Start: yesterday(), End: yesterday(), Sealed: sealed, Until: now}
	err = workflowclient.OpenBulkJob(t.Context(), w.temporal, late)
	known, ok := errors.AsType[*schema.Error](err)
	require.True(t, ok, err)
	require.Equal(t, schema.CodeTooLate, known.Code)
	require.NoError(t, w.temporal.GetWorkflow(t.Context(), workflows.BulkJobID(id), "").Get(t.Context(), nil), "its run closes")
	used, _, _, err := w.bulk.Quota(t.Context(), w.principal(w.program))
	require.NoError(t, err)
	require.Zero(t, used)
}

func TestTheNewestDayCanBeTwilios(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nowhere(t), func(o *bulk.Options) { o.MinLagDays = 2 })
	last := yesterday().Plus(-1)
	refused(t, w.send(w.program, http.MethodPost, messageJobs, job(last, yesterday())), 400, 20001, "EndDay", string(last))
	refused(t, w.send(w.program, http.MethodPost, messageJobs, job(last, last)), 503, 20503) // it may be had, if Temporal were there
}

func TestAJobWhoseRunWasLostHasNotEndedBeforeItIsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := schema.JobOpening{ID: schema.NewJobID(), Account: w.program.account, Family: w.parent.account, Type: schema.Messages,
		Start: yesterday(), End: yesterday(), QuotaDays: 366, JobRequest: schema.JobRequest{Name: "a"}}
	require.NoError(t, w.store.OpenJob(t.Context(), lost))
	a := w.send(w.program, http.MethodDelete, "/v1/Exports/Jobs/"+lost.ID, nil)
	refused(t, a, 503, 20503, "interrupted")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	_, err := w.store.EndJob(t.Context(), lost.ID)
	require.NoError(t, err)
	refused(t, w.send(w.program, http.MethodDelete, "/v1/Exports/Jobs/"+lost.ID, nil), 409, 20409)
}

func TestTheQuotaIsTheFamilysAndATurnedAwayJobSaysUntilWhen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *bulk.Options) { o.Limits.QuotaDays = 5 })
	w.work()
	w.create(w.parent, job(yesterday().Plus(-2), yesterday()))
	over := w.send(w.program, http.MethodPost, "/v1/Exports/Calls/Jobs", job(yesterday().Plus(-2), yesterday()))
	refused(t, over, 429, 20429, "2 of the 5")
	require.Regexp(t, `^\d+$`, over.header.Get("Retry-After"))
	w.create(w.program, job(yesterday().Plus(-1), yesterday()))
	refused(t, w.send(w.program, http.MethodPost, messageJobs, job(yesterday(), yesterday())), 429, 20429)
	w.create(w.other, job(yesterday(), yesterday()))
	used, limit, _, err := w.bulk.Quota(t.Context(), w.principal(w.program))
	require.NoError(t, err)
	require.Equal(t, []int{5, 5}, []int{used, limit})
}

func TestAJobOfAnotherAccountIsAsUnknownAsAnyOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work()
	asked := w.create(w.program, job(yesterday(), yesterday()))
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		var bodies []string
		for _, id := range []string{asked.JobSid, schema.NewJobID(), "JS1", strings.ToUpper(asked.JobSid)} {
			a := w.send(w.other, method, "/v1/Exports/Jobs/"+id, nil)
			refused(t, a, 404, 20404, id)
			bodies = append(bodies, strings.ReplaceAll(a.body, id, "ID"))
		}
		for _, body := range bodies {
			require.Equal(t, bodies[0], body)
		}
	}
	require.Contains(t, w.send(w.other, http.MethodGet, messageJobs, nil).body, `"jobs":[]`)
	require.Equal(t, http.StatusOK, w.send(w.program, http.MethodGet, "/v1/Exports/Jobs/"+asked.JobSid+"/", nil).status)
}
