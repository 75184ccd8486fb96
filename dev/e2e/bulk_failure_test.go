package e2e

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"
	"go.temporal.io/sdk/client"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
	"satchel/workflows"
)

// dayFiles returns the IDs of the day files that have objects in the bucket.
func dayFiles(t *testing.T, st *fixture.Stack) []string {
	t.Helper()
	found := map[string]bool{}
	pages := s3.NewListObjectsV2Paginator(st.S3.Client(), &s3.ListObjectsV2Input{
		Bucket: aws.String(st.Demo.S3.Bucket), Prefix: aws.String(schema.DayFilesPrefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, o := range page.Contents {
			id, _, _ := strings.Cut(strings.TrimPrefix(*o.Key, schema.DayFilesPrefix), "/")
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// knownDayFiles returns the IDs of the day files that have a row.
func knownDayFiles(t *testing.T, st *fixture.Stack) []string {
	t.Helper()
	rows, err := st.DB.Query(`select id from satchel.day_files`)
	require.NoError(t, err)
	defer rows.Close()
	var known []string
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		known = append(known, id)
	}
	require.NoError(t, rows.Err())
	slices.Sort(known)
	return known
}

func TestABulkJobIsCompleteAfterKillsOfTheWorker(t *testing.T) {
	n := newAccount(t, demo.With{})
	r := fixture.NewReceiver(t, nil)
	to := fixture.Yesterday()
	from := to.Plus(-59)
	n.fill(schema.Messages, from, to, 400)
	job := n.job(schema.Messages, from, to, withWebhook(r.URL, "POST"))
	kills := 0
	for kills < 4 {
		fixture.Pause(t, time.Duration(rand.Int64N(int64(time.Second))))
		var seen *bulkexports.BulkexportsV1Job
		require.NoError(t, retryBusy(t, func() (err error) {
			seen, err = n.BulkexportsV1.FetchJob(*job.JobSid)
			return err
		}))
		if len(daysByStatus(t, seen.Details)[schema.DayCompleted]) == 60 {
			break
		}
		require.NoError(t, n.st.Worker.Kill())
		kills++
		require.NoError(t, n.st.Worker.Start(t.Context()))
	}
	require.Positive(t, kills)
	require.Equal(t, map[schema.DayStatus][]schema.Day{schema.DayCompleted: from.To(to)}, n.awaitEnded(*job.JobSid))
	for _, day := range from.To(to) {
		lines := n.fileLines(schema.Messages, day)
		require.Len(t, lines, 400)
		n.requireRecords(schema.Messages, day, lines)
	}
	require.Len(t, n.listDays(schema.Messages), 60)
	n.awaitDelivered()
	require.Len(t, r.Requests(), 1)
	fixture.Until(t, func() bool { return slices.Equal(knownDayFiles(t, n.st), dayFiles(t, n.st)) }, fixture.Timeout)
}

func TestDaysMissedDuringAnOutageAreExportedAfterwards(t *testing.T) {
	n := newAccount(t, demo.With{})
	r := fixture.NewReceiver(t, nil)
	to := fixture.Yesterday()
	n.fill(schema.Calls, to.Plus(-4), to, 9)
	n.configure(schema.Calls, new(bulkexports.UpdateExportConfigurationParams).SetEnabled(true).SetWebhookUrl(r.URL).SetWebhookMethod("POST"))
	schedule := func() client.ScheduleHandle {
		return n.st.TemporalClient.ScheduleClient().GetHandle(t.Context(), workflows.BulkDailyID(n.AccountSID, schema.Calls))
	}

	// The worker is stopped while the days before yesterday are due. Temporal itself is
	// stopped while yesterday is due: the schedule is moved to a few seconds from now.
	require.NoError(t, n.st.Worker.Stop())
	require.NoError(t, schedule().Backfill(t.Context(), client.ScheduleBackfillOptions{Backfill: []client.ScheduleBackfill{
		{Start: to.Plus(-2).Begins(), End: to.Plus(1).Begins().Add(-time.Second)},
	}}))
	due := time.Now().Truncate(time.Second).Add(10 * time.Second)
	require.NoError(t, schedule().Update(t.Context(), client.ScheduleUpdateOptions{
		DoUpdate: func(found client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := found.Description.Schedule
			s.Spec = &client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 24 * time.Hour, Offset: due.Sub(schema.DayOf(due).Begins())}}}
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	}))
	fixture.Until(t, func() bool { // the schedule has applied the update
		found, err := schedule().Describe(t.Context())
		require.NoError(t, err)
		next := found.Info.NextActionTimes
		return len(next) > 0 && next[0].Equal(due)
	}, 9*time.Second)
	require.NoError(t, n.st.Temporal.Stop())
	require.True(t, time.Now().Before(due), "Temporal is stopped before the scheduled time")
	fixture.Pause(t, time.Until(due.Add(time.Second)))
	require.NoError(t, n.st.Temporal.Start(context.WithoutCancel(t.Context())))
	require.NoError(t, n.st.Worker.Start(context.WithoutCancel(t.Context())))

	var requests []fixture.WebhookRequest
	fixture.Until(t, func() bool { requests = r.Requests(); return len(requests) >= 4 }, fixture.Timeout)
	want := to.Plus(-3).To(to)
	var days []schema.Day
	for _, h := range requests {
		n.requireSigned(h)
		require.Equal(t, "completed", h.Params.Get("status"))
		require.Empty(t, h.Params.Get("job_sid"))
		days = append(days, schema.Day(h.Params.Get("day")))
	}
	slices.Sort(days)
	require.Equal(t, want, days)
	var listed []schema.Day
	for _, d := range n.listDays(schema.Calls) {
		require.Nil(t, d.FriendlyName)
		listed = append(listed, schema.Day(*d.Day))
		lines := n.fileLines(schema.Calls, schema.Day(*d.Day))
		require.Len(t, lines, 9)
		n.requireRecords(schema.Calls, schema.Day(*d.Day), lines)
	}
	slices.Sort(listed)
	require.Equal(t, want, listed)
	n.configure(schema.Calls, new(bulkexports.UpdateExportConfigurationParams).SetEnabled(false))
	_, err := schedule().Describe(t.Context())
	require.Error(t, err, "a disabled daily export has no schedule")
}

func TestALongJobDelaysNoOtherAccount(t *testing.T) {
	t.Parallel()
	busy := newAccount(t, demo.With{})
	to := fixture.Yesterday()
	busy.fill(schema.Messages, to.Plus(-365), to, 20)
	long := busy.job(schema.Messages, to.Plus(-365), to)
	require.NotNil(t, long.EstimatedCompletionTime)
	defer func() { // 366 days would slow down the tests after this one
		require.NoError(t, retryBusy(t, func() error { return busy.BulkexportsV1.DeleteJob(*long.JobSid) }))
	}()

	other := newAccount(t, demo.With{Records: true})
	owner := other.As(schema.Owner)
	p := signedIn(t, owner)
	export := p.confirmedExport(owner.Email)
	other.fill(schema.Calls, to, to, 20)
	short := other.job(schema.Calls, to, to)
	require.Equal(t, []schema.Day{to}, other.awaitEnded(*short.JobSid)[schema.DayCompleted])
	p.awaitStatus(export.ID, "completed", fixture.Timeout)
	running, err := busy.BulkexportsV1.FetchJob(*long.JobSid)
	require.NoError(t, err)
	left := daysByStatus(t, running.Details)[schema.DaySubmitted]
	t.Logf("%d of 366 days still wait", len(left))
	require.Greater(t, len(left), 150, "the short job and the export did not wait for the long one")
	_, err = busy.create(schema.Calls, jobParams(to, to))
	requireRestError(t, err, http.StatusTooManyRequests, 20429)
	requireDeleted(t, p, export.ID)
}
