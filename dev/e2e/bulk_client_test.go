package e2e

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"

	"satchel/dev/demo"
	"satchel/dev/fixture"
	"satchel/schema"
)

func TestTwiliosGoClientReadsAndChangesConfigurations(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{})
	for _, typ := range schema.ResourceTypes {
		fresh, err := n.BulkexportsV1.FetchExportConfiguration(string(typ))
		require.NoError(t, err)
		require.False(t, *fresh.Enabled)
		require.Empty(t, *fresh.WebhookUrl+*fresh.WebhookMethod)
		require.Equal(t, string(typ), *fresh.ResourceType)

		change := new(bulkexports.UpdateExportConfigurationParams).SetWebhookUrl("https://hooks.example.com/" + string(typ)).SetWebhookMethod("post")
		require.Equal(t, "POST", *n.configure(typ, change).WebhookMethod)
		n.configure(typ, new(bulkexports.UpdateExportConfigurationParams).SetEnabled(true))
		kept, err := n.BulkexportsV1.FetchExportConfiguration(string(typ))
		require.NoError(t, err)
		require.True(t, *kept.Enabled)
		require.Equal(t, "https://hooks.example.com/"+string(typ), *kept.WebhookUrl, "a parameter that is not sent changes nothing")
		clear := new(bulkexports.UpdateExportConfigurationParams).SetEnabled(false).SetWebhookUrl("").SetWebhookMethod("")
		cleared := n.configure(typ, clear)
		require.False(t, *cleared.Enabled)
		require.Empty(t, *cleared.WebhookUrl+*cleared.WebhookMethod)

		export, err := n.BulkexportsV1.FetchExport(string(typ))
		require.NoError(t, err)
		require.Equal(t, string(typ), *export.ResourceType)
		require.Contains(t, *export.Links, "jobs")
	}
}

func TestTwiliosGoClientGetsExactlyTheRecordsOfItsAccountAndDay(t *testing.T) {
	t.Parallel()
	parent := newAccount(t, demo.With{})
	sub := newAccount(t, demo.With{Parent: parent.AccountSID})
	to := fixture.Yesterday()
	from := to.Plus(-3) // the first has no records
	for _, typ := range schema.ResourceTypes {
		for _, n := range []account{parent, sub} {
			n.fill(typ, from.Plus(1), to, 40)
		}
	}
	byKey := twilioClient(t, parent.base, parent.APIKey.SID, parent.APIKey.Secret)
	for _, typ := range schema.ResourceTypes {
		job := parent.job(typ, from, to)
		require.Regexp(t, `^JS[0-9a-f]{32}$`, *job.JobSid)
		require.Equal(t, string(typ), *job.ResourceType)
		require.Nil(t, job.Email)
		all := daysByStatus(t, job.Details)
		require.Len(t, slices.Concat(all[schema.DaySubmitted], all[schema.DayRunning], all[schema.DayCompleted], all[schema.DayCompletedEmpty]), 4)
		require.Equal(t, map[schema.DayStatus][]schema.Day{
			schema.DayCompletedEmpty: {from}, schema.DayCompleted: from.Plus(1).To(to),
		}, parent.awaitEnded(*job.JobSid))
		seen, err := byKey.BulkexportsV1.FetchJob(*job.JobSid)
		require.NoError(t, err, "an API key has the access of its account")
		require.Nil(t, seen.JobQueuePosition)
		require.Nil(t, seen.EstimatedCompletionTime)

		listed := parent.listDays(typ)
		require.Len(t, listed, 4)
		for _, d := range listed {
			day := schema.Day(*d.Day)
			require.Equal(t, string(typ), *d.ResourceType)
			require.Equal(t, "An export", *d.FriendlyName)
			require.Equal(t, string(schema.DayOf(time.Now())), *d.CreateDate)
			_, file := fetch(t, parent.fileLink(typ, day))
			require.Len(t, file, d.Size)
			lines := parent.fileLines(typ, day)
			parent.requireRecords(typ, day, lines)
			if day == from {
				require.Empty(t, lines)
				continue
			}
			require.Len(t, lines, 40)
			for _, line := range lines {
				require.Contains(t, line, parent.AccountSID)
				require.NotContains(t, line, sub.AccountSID)
				require.Contains(t, line, `"date_created":"`+string(day)+"T")
			}
		}
		require.Empty(t, sub.listDays(typ), "the files are of the other account")
		_, err = sub.BulkexportsV1.FetchDay(string(typ), string(to))
		requireRestError(t, err, http.StatusNotFound, 20404)
		_, err = sub.BulkexportsV1.FetchJob(*job.JobSid)
		requireRestError(t, err, http.StatusNotFound, 20404)
	}
	job := sub.job(schema.Messages, to, to)
	sub.awaitEnded(*job.JobSid)
	sub.requireRecords(schema.Messages, to, sub.fileLines(schema.Messages, to))
}

func TestTwiliosGoClientPagesThroughJobsWhileOthersAreAdded(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{})
	first := fixture.Yesterday().Plus(-400)
	var all sync.WaitGroup
	for creator := range 3 {
		all.Go(func() {
			for i := range 20 {
				_, err := n.create(schema.Participants, jobParams(first.Plus(20*creator+i), first.Plus(20*creator+i)))
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	var wanted []string
	made, err := n.st.DB.Query(`select id from satchel.jobs where account_sid = $1 order by created_at desc, id desc`, n.AccountSID)
	require.NoError(t, err)
	defer made.Close()
	for made.Next() {
		var id string
		require.NoError(t, made.Scan(&id))
		wanted = append(wanted, id)
	}
	require.NoError(t, made.Err())
	require.GreaterOrEqual(t, len(wanted), 60)
	rows, failed := n.BulkexportsV1.StreamExportCustomJob("Participants", new(bulkexports.ListExportCustomJobParams).SetPageSize(7))
	var got []string
	for job := range rows {
		if len(got)%10 == 0 {
			n.job(schema.Participants, first, first)
		}
		got = append(got, *job.JobSid)
	}
	require.NoError(t, <-failed)
	require.Equal(t, wanted, got, "newest first, each once, none lost")

	some, err := n.BulkexportsV1.ListExportCustomJob("Participants", new(bulkexports.ListExportCustomJobParams).SetLimit(10))
	require.NoError(t, err)
	require.Len(t, some, 10)
	some, err = n.BulkexportsV1.ListExportCustomJob("Participants", new(bulkexports.ListExportCustomJobParams).SetLimit(12).SetPageSize(5))
	require.NoError(t, err)
	require.Len(t, some, 12)
	page, err := n.BulkexportsV1.PageExportCustomJob("Participants", new(bulkexports.ListExportCustomJobParams).SetPageSize(1000), "", "")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(page.Jobs), len(wanted)+6)
	require.Empty(t, page.Meta.NextPageUrl)
	others, err := n.BulkexportsV1.ListExportCustomJob("Calls", new(bulkexports.ListExportCustomJobParams))
	require.NoError(t, err)
	require.Empty(t, others)

	for _, sid := range wanted {
		n.awaitEnded(sid)
	}
	days, err := n.BulkexportsV1.ListDay("Participants", new(bulkexports.ListDayParams).SetPageSize(7))
	require.NoError(t, err)
	require.Len(t, days, 60)
	days, err = n.BulkexportsV1.ListDay("Participants", new(bulkexports.ListDayParams).SetLimit(9).SetPageSize(4))
	require.NoError(t, err)
	require.Len(t, days, 9)
}

func TestTwiliosGoClientDeletesAJob(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{})
	r := fixture.NewReceiver(t, nil)
	to := fixture.Yesterday()
	n.fill(schema.Calls, to.Plus(-199), to, 5)
	job := n.job(schema.Calls, to.Plus(-199), to, withWebhook(r.URL, "POST"))
	require.NoError(t, retryBusy(t, func() error { return n.BulkexportsV1.DeleteJob(*job.JobSid) }))
	ended := n.awaitEnded(*job.JobSid)
	require.NotEmpty(t, ended[schema.DayDeleted])
	require.Len(t, slices.Concat(ended[schema.DayDeleted], ended[schema.DayCompleted]), 200)
	require.Len(t, n.listDays(schema.Calls), len(ended[schema.DayCompleted]), "completed days keep their files")
	listed, err := n.BulkexportsV1.ListExportCustomJob("Calls", new(bulkexports.ListExportCustomJobParams))
	require.NoError(t, err)
	require.Len(t, listed, 1)
	fixture.Until(t, func() bool { // the run has to end first
		err := n.BulkexportsV1.DeleteJob(*job.JobSid)
		return err != nil && err.(*client.TwilioRestError).Status == http.StatusConflict
	}, fixture.Timeout)
	requireRestError(t, n.BulkexportsV1.DeleteJob(*job.JobSid), http.StatusConflict, 20409)
	require.Empty(t, n.events(), "a deleted job sends no webhook")
	require.Empty(t, r.Requests())
}

// requireRestError fails the test unless the error has the status and the code. It
// returns the message.
func requireRestError(t *testing.T, err error, status, code int) (message string) {
	t.Helper()
	var rejection *client.TwilioRestError
	require.ErrorAs(t, err, &rejection)
	require.Equal(t, status, rejection.Status, rejection.Message)
	require.Equal(t, code, rejection.Code)
	require.NotEmpty(t, rejection.Message)
	require.Contains(t, rejection.MoreInfo, "/docs/errors/")
	return rejection.Message
}
