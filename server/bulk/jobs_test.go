package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
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

// requestJob creates a job over HTTP and requires success.
func (fx *fixture) requestJob(as credentials, form url.Values) bulk.JobView {
	fx.t.Helper()
	a := fx.send(as, http.MethodPost, messageJobs, form)
	require.Equal(fx.t, http.StatusCreated, a.status, a.body)
	return decode[bulk.JobView](fx.t, a.body)
}

func (fx *fixture) getJob(as credentials, id string) bulk.JobView {
	fx.t.Helper()
	a := fx.send(as, http.MethodGet, "/v1/Exports/Jobs/"+id, nil)
	require.Equal(fx.t, http.StatusOK, a.status, a.body)
	return decode[bulk.JobView](fx.t, a.body)
}

// waitForStatuses waits until every day of a job has one of the statuses.
func (fx *fixture) waitForStatuses(as credentials, id string, statuses ...schema.DayStatus) bulk.JobView {
	fx.t.Helper()
	var v bulk.JobView
	eventually(fx.t, fmt.Sprint("the days are ", statuses), func() bool {
		v = fx.getJob(as, id)
		for _, d := range v.Details {
			if !slices.Contains(statuses, d.Status) {
				return false
			}
		}
		return true
	})
	return v
}

func TestJobRunsFromRequestToFiles(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	release := fx.platform.block()
	t.Cleanup(release)
	start := yesterday().Plus(-2)
	fx.platform.setRecords(fx.program.account, schema.Messages, start, "SM1", "SM2")

	a := fx.send(fx.program, http.MethodPost, messageJobs, job(start, yesterday(), "WebhookUrl", "https://hooks.example.com/bulk", "WebhookMethod", "post", "Unknown", "x"))
	require.Equal(t, http.StatusCreated, a.status, a.body)
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	parsed := decode[twilio.BulkexportsV1ExportCustomJob](t, a.body)
	require.Regexp(t, regexp.MustCompile(`^JS[0-9a-f]{32}$`), *parsed.JobSid)
	require.Equal(t, "POST", *parsed.WebhookMethod)
	require.Len(t, *parsed.Details, 1)
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$`, *parsed.EstimatedCompletionTime)
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

	one := fx.send(fx.program, http.MethodGet, "/v1/Exports/Jobs/"+asked.JobSid, nil)
	require.Equal(t, site+"/v1/Exports/Jobs/"+asked.JobSid, *decode[twilio.BulkexportsV1Job](t, one.body).Url)
	release()
	done := fx.waitForStatuses(fx.program, asked.JobSid, schema.DayCompleted, schema.DayCompletedEmpty)
	require.Equal(t, []bulk.DetailView{
		{Status: schema.DayCompleted, Count: 1, Days: []schema.Day{start}},
		{Status: schema.DayCompletedEmpty, Count: 2, Days: []schema.Day{start.Plus(1), start.Plus(2)}},
	}, done.Details)
	require.Nil(t, done.JobQueuePosition)
	eventually(t, "the job has ended", func() bool { return fx.getJob(fx.program, asked.JobSid).EstimatedCompletionTime == nil })
	requireError(t, fx.send(fx.program, http.MethodDelete, "/v1/Exports/Jobs/"+asked.JobSid, nil), 409, 20409)

	list := fx.send(fx.program, http.MethodGet, "/v1/Exports/Messages/Days", nil)
	theirDays := decode[twilio.ListDayResponse](t, list.body)
	require.Len(t, theirDays.Days, 3)
	require.Equal(t, "March audit", *theirDays.Days[0].FriendlyName)
	require.Equal(t, string(schema.DayOf(time.Now())), *theirDays.Days[0].CreateDate)
	require.NotZero(t, theirDays.Days[0].Size)
	require.Contains(t, fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Days", nil).body, `"days":[]`)
}

func TestDeletedJobEnds(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	release := fx.platform.block()
	t.Cleanup(release)
	asked := fx.requestJob(fx.program, job(yesterday().Plus(-9), yesterday()))
	eventually(t, "days run", func() bool { return fx.getJob(fx.program, asked.JobSid).Details[0].Count < 10 })
	gone := fx.send(fx.program, http.MethodDelete, "/v1/Exports/Jobs/"+asked.JobSid, nil)
	require.Equal(t, http.StatusNoContent, gone.status, gone.body)
	require.Empty(t, gone.body)
	winding := fx.getJob(fx.program, asked.JobSid)
	for _, d := range winding.Details {
		require.Contains(t, []schema.DayStatus{schema.DayRunningToBeDeleted, schema.DayDeleted}, d.Status)
	}
	again := fx.send(fx.program, http.MethodDelete, "/v1/Exports/Jobs/"+asked.JobSid, nil)
	require.Contains(t, []int{204, 409}, again.status, "204 while it winds down, which may be over")
	release()
	fx.waitForStatuses(fx.program, asked.JobSid, schema.DayDeleted)
	eventually(t, "the job has ended", func() bool {
		return fx.send(fx.program, http.MethodDelete, "/v1/Exports/Jobs/"+asked.JobSid, nil).status == 409
	})
	listed := fx.send(fx.program, http.MethodGet, messageJobs, nil)
	require.Contains(t, listed.body, asked.JobSid, "it stays listed for a week")
	used, _, _, err := fx.bulk.Quota(t.Context(), fx.principal(fx.program))
	require.NoError(t, err)
	require.Equal(t, 10, used, "deleting gives nothing back")
}

func TestJobThatIsBeingDeletedCanBeDeletedAgain(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t)) // nothing is left to signal
	winding := schema.NewJob{ID: schema.NewJobID(), Account: fx.program.account, QuotaAccount: fx.parent.account, Type: schema.Messages,
		Start: yesterday(), End: yesterday(), QuotaDays: 366, JobRequest: schema.JobRequest{Name: "a"}}
	require.NoError(t, fx.store.OpenJob(t.Context(), winding))
	runs, err := fx.store.BeginDay(t.Context(), winding.ID, yesterday())
	require.NoError(t, err)
	require.True(t, runs)
	require.NoError(t, fx.store.StopJob(t.Context(), winding.ID, fx.program.name))
	require.Equal(t, schema.DayRunningToBeDeleted, fx.getJob(fx.program, winding.ID).Details[0].Status)
	for range 2 {
		again := fx.send(fx.program, http.MethodDelete, "/v1/Exports/Jobs/"+winding.ID, nil)
		require.Equal(t, http.StatusNoContent, again.status, again.body)
		require.Empty(t, again.body)
	}
}

func TestInvalidJobIsRejectedAndUsesNoQuota(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t)) // invalid requests do not reach Temporal
	last := yesterday()
	today := schema.DayOf(time.Now())
	long := strings.Repeat("é", 257)
	for name, c := range map[string]struct {
		form url.Values
		word string
	}{
		"no start":            {job("", last), "StartDay"},
		"no end":              {job(last, ""), "EndDay"},
		"nothing":             {url.Values{}, "StartDay"},
		"a start with a time": {job(last+"T00:00:00Z", last), "StartDay"},
		"a short day":         {job("2026-3-1", last), `"2026-3-1"`},
		"a day that is not":   {job("2026-02-30", last), "2026-02-30"},
		"words":               {job("yesterday", last), "StartDay"},
		"year nought":         {job("0000-01-01", last), "StartDay"},
		"end before start":    {job("2026-03-05", "2026-03-01"), "EndDay 2026-03-01 is before StartDay 2026-03-05"},
		"today":               {job(last, today), string(today)},
		"the future":          {job(last, today.Plus(30)), "EndDay"},
		"367 days":            {job(last.Plus(-366), last), "367 days"},
		"no name":             {job(last, last, "FriendlyName", ""), "FriendlyName"},
		"a long name":         {job(last, last, "FriendlyName", long), "257"},
		"a name of two lines": {job(last, last, "FriendlyName", "a\nb"), "control"},
		"a name of no text":   {job(last, last, "FriendlyName", "a\xff"), "UTF-8"},
		"half a webhook":      {job(last, last, "WebhookUrl", "https://hooks.example.com/"), "WebhookMethod"},
		"the other half":      {job(last, last, "WebhookMethod", "POST"), "WebhookUrl"},
		"another method":      {job(last, last, "WebhookUrl", "https://hooks.example.com/", "WebhookMethod", "PUT"), "PUT"},
		"a relative webhook":  {job(last, last, "WebhookUrl", "/hooks", "WebhookMethod", "POST"), "WebhookUrl"},
		"another scheme":      {job(last, last, "WebhookUrl", "ftp://hooks.example.com/", "WebhookMethod", "POST"), "WebhookUrl"},
		"a webhook of ours":   {job(last, last, "WebhookUrl", "https://127.0.0.1/", "WebhookMethod", "POST"), "WebhookUrl"},
		"a fragment":          {job(last, last, "WebhookUrl", "https://hooks.example.com/#a", "WebhookMethod", "POST"), "WebhookUrl"},
		"a long webhook":      {job(last, last, "WebhookUrl", "https://hooks.example.com/"+strings.Repeat("a", 2048), "WebhookMethod", "GET"), "2048"},
		"no email":            {job(last, last, "Email", "nobody"), "Email"},
		"two emails":          {job(last, last, "Email", "a@example.com, b@example.com"), "Email"},
		"an email and a name": {job(last, last, "Email", "Ada <ada@example.com>"), "Email"},
		"a second header":     {job(last, last, "Email", "a@example.com\r\nBcc: b@example.com"), "Email"},
	} {
		a := fx.send(fx.program, http.MethodPost, messageJobs, c.form)
		require.Equal(t, 400, a.status, "%s: %s", name, a.body)
		requireError(t, a, 400, 20001, c.word)
	}
	asJSON := fx.send(fx.program, http.MethodPost, messageJobs, url.Values{"a": {"b"}}, header("Content-Type", "application/json"))
	requireError(t, asJSON, 400, 20001, "application/x-www-form-urlencoded")
	large := fx.send(fx.program, http.MethodPost, messageJobs, job(last, last, "X", strings.Repeat("x", 65<<10)))
	requireError(t, large, 413, 20413)
	inURL := fx.send(fx.program, http.MethodPost, messageJobs+"?"+job(last, last).Encode(), nil)
	requireError(t, inURL, 400, 20001)
	used, limit, resets, err := fx.bulk.Quota(t.Context(), fx.principal(fx.program))
	require.NoError(t, err)
	require.Zero(t, used)
	require.Equal(t, 366, limit)
	require.Equal(t, schema.DayOf(time.Now()).Plus(1).Begins(), resets)

	away := fx.send(fx.program, http.MethodPost, messageJobs, job(last.Plus(-365), last, "FriendlyName", strings.Repeat("é", 256)))
	requireError(t, away, 503, 20503)
	require.NotEmpty(t, away.header.Get("Retry-After"))
	require.Contains(t, fx.send(fx.program, http.MethodGet, messageJobs, nil).body, `"jobs":[]`, "nothing was created")
}

// lostResponseClient executes updates and loses their responses.
type lostResponseClient struct{ client.Client }

func (c lostResponseClient) UpdateWithStartWorkflow(ctx context.Context, o client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	if _, err := c.Client.UpdateWithStartWorkflow(ctx, o); err != nil {
		return nil, err
	}
	return nil, errors.New("the response is lost")
}

func TestLostResponseIsDecidedByTheJobsRow(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(o *bulk.Options) { o.Limits.QuotaDays = 1 })
	fx.startWorkers()
	fx.bulk.Temporal = lostResponseClient{fx.temporal}
	asked := fx.requestJob(fx.program, job(yesterday(), yesterday()))
	fx.waitForStatuses(fx.program, asked.JobSid, schema.DayCompletedEmpty)
	requireError(t, fx.send(fx.program, http.MethodPost, messageJobs, job(yesterday(), yesterday())), 503, 20503)
	require.Equal(t, 1, strings.Count(fx.send(fx.program, http.MethodGet, messageJobs, nil).body, `"job_sid"`))
}

// Temporal may hold an update until a worker comes.
func TestJobIsNotOpenedAfterItsDeadlineAndUsesNoQuota(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	now, err := fx.store.Now(t.Context())
	require.NoError(t, err)
	id := schema.NewJobID()
	sealed, err := fx.vault.Seal(t.Context(), []byte("{}"), fx.program.account, schema.SealedJob(id))
	require.NoError(t, err)
	late := bulkexport.BulkJobInput{ID: id, Account: fx.program.account, QuotaAccount: fx.program.account, Type: schema.Calls, Start: yesterday(), End: yesterday(), Sealed: sealed, Until: now}
	err = workflowclient.OpenBulkJob(t.Context(), fx.temporal, late)
	known, ok := errors.AsType[*schema.Error](err)
	require.True(t, ok, err)
	require.Equal(t, schema.CodeTooLate, known.Code)
	require.NoError(t, fx.temporal.GetWorkflow(t.Context(), workflows.BulkJobID(id), "").Get(t.Context(), nil), "its run closes")
	used, _, _, err := fx.bulk.Quota(t.Context(), fx.principal(fx.program))
	require.NoError(t, err)
	require.Zero(t, used)
}

func TestNewestDayFollowsTheConfiguredLag(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withoutTemporal(t), func(o *bulk.Options) { o.MinLagDays = 2 })
	last := yesterday().Plus(-1)
	requireError(t, fx.send(fx.program, http.MethodPost, messageJobs, job(last, yesterday())), 400, 20001, "EndDay", string(last))
	requireError(t, fx.send(fx.program, http.MethodPost, messageJobs, job(last, last)), 503, 20503) // valid, but Temporal is unavailable
}

func TestInterruptedJobIsA503UntilItIsEnded(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	lost := schema.NewJob{ID: schema.NewJobID(), Account: fx.program.account, QuotaAccount: fx.parent.account, Type: schema.Messages,
		Start: yesterday(), End: yesterday(), QuotaDays: 366, JobRequest: schema.JobRequest{Name: "a"}}
	require.NoError(t, fx.store.OpenJob(t.Context(), lost))
	a := fx.send(fx.program, http.MethodDelete, "/v1/Exports/Jobs/"+lost.ID, nil)
	requireError(t, a, 503, 20503, "interrupted")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	_, err := fx.store.EndJob(t.Context(), lost.ID)
	require.NoError(t, err)
	requireError(t, fx.send(fx.program, http.MethodDelete, "/v1/Exports/Jobs/"+lost.ID, nil), 409, 20409)
}

func TestQuotaIsSharedWithSubaccountsAndRejectionsHaveRetryAfter(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(o *bulk.Options) { o.Limits.QuotaDays = 5 })
	fx.startWorkers()
	fx.requestJob(fx.parent, job(yesterday().Plus(-2), yesterday()))
	over := fx.send(fx.program, http.MethodPost, "/v1/Exports/Calls/Jobs", job(yesterday().Plus(-2), yesterday()))
	requireError(t, over, 429, 20429, "2 of the 5")
	require.Regexp(t, `^\d+$`, over.header.Get("Retry-After"))
	fx.requestJob(fx.program, job(yesterday().Plus(-1), yesterday()))
	requireError(t, fx.send(fx.program, http.MethodPost, messageJobs, job(yesterday(), yesterday())), 429, 20429)
	fx.requestJob(fx.other, job(yesterday(), yesterday()))
	used, limit, _, err := fx.bulk.Quota(t.Context(), fx.principal(fx.program))
	require.NoError(t, err)
	require.Equal(t, []int{5, 5}, []int{used, limit})
}

func TestJobOfAnotherAccountIsNotDistinguishableFromAnUnknownOne(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startWorkers()
	asked := fx.requestJob(fx.program, job(yesterday(), yesterday()))
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		var bodies []string
		for _, id := range []string{asked.JobSid, schema.NewJobID(), "JS1", strings.ToUpper(asked.JobSid)} {
			a := fx.send(fx.other, method, "/v1/Exports/Jobs/"+id, nil)
			requireError(t, a, 404, 20404, id)
			bodies = append(bodies, strings.ReplaceAll(a.body, id, "ID"))
		}
		for _, body := range bodies {
			require.Equal(t, bodies[0], body)
		}
	}
	require.Contains(t, fx.send(fx.other, http.MethodGet, messageJobs, nil).body, `"jobs":[]`)
	require.Equal(t, http.StatusOK, fx.send(fx.program, http.MethodGet, "/v1/Exports/Jobs/"+asked.JobSid+"/", nil).status)
}
