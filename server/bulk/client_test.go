package bulk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"
	exports "github.com/twilio/twilio-go/rest/bulkexports/v1"
	voice "github.com/twilio/twilio-go/rest/voice/v1"
	"go.temporal.io/api/workflowservice/v1"

	"satchel/dev/e2e/pointed"
	"satchel/schema"
)

// services are those of Twilio's client that are here.
type services struct {
	BulkexportsV1 *exports.ApiService
	VoiceV1       *voice.ApiService
}

// theirClient is Twilio's own client library, unmodified.
func (w *world) theirClient(as caller) services {
	w.t.Helper()
	to, err := url.Parse(w.url)
	require.NoError(w.t, err)
	c := pointed.Client(to, as.name, as.secret)
	c.SetAccountSid(as.account)
	return services{exports.NewApiServiceWithClient(c), voice.NewApiServiceWithClient(c)}
}

func TestTwiliosOwnClientWorksUnmodified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk.Site = "" // what the request came to is what the client can reach
	w.work()
	call := "CA" + strings.Repeat("0a", 16)
	w.platform.has(w.program.account, schema.Calls, yesterday(), call)
	theirs := w.theirClient(w.program)
	one := 1

	kind, err := theirs.BulkexportsV1.FetchExport("Calls")
	require.NoError(t, err)
	require.Equal(t, "Calls", *kind.ResourceType)
	enabled := &exports.UpdateExportConfigurationParams{}
	configured, err := theirs.BulkexportsV1.UpdateExportConfiguration("Calls", enabled.SetEnabled(true))
	require.NoError(t, err)
	require.True(t, *configured.Enabled)

	var sids []string
	for range 3 {
		wanted := &exports.CreateExportCustomJobParams{}
		wanted.SetStartDay(string(yesterday().Plus(-1))).SetEndDay(string(yesterday())).SetFriendlyName("Été & fils")
		made, err := theirs.BulkexportsV1.CreateExportCustomJob("Calls", wanted)
		require.NoError(t, err)
		require.Equal(t, "Été & fils", *made.FriendlyName)
		sids = append([]string{*made.JobSid}, sids...)
	}
	listed, err := theirs.BulkexportsV1.ListExportCustomJob("Calls", (&exports.ListExportCustomJobParams{}).SetPageSize(one))
	require.NoError(t, err)
	var got []string
	for _, j := range listed {
		got = append(got, *j.JobSid)
	}
	require.Equal(t, sids, got, "over three pages")
	eventually(t, "the jobs have ended", func() bool {
		for _, sid := range sids {
			j, err := theirs.BulkexportsV1.FetchJob(sid)
			require.NoError(t, err)
			if j.EstimatedCompletionTime != nil {
				return false
			}
		}
		return true
	})
	err = theirs.BulkexportsV1.DeleteJob(sids[0])
	refusal := (*client.TwilioRestError)(nil)
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, []int{409, 20409}, []int{refusal.Status, refusal.Code})

	days, err := theirs.BulkexportsV1.ListDay("Calls", (&exports.ListDayParams{}).SetPageSize(one))
	require.NoError(t, err)
	require.Len(t, days, 2)
	day, err := theirs.BulkexportsV1.FetchDay("Calls", string(yesterday()))
	require.NoError(t, err)
	require.Equal(t, w.url, (*day.RedirectTo)[:len(w.url)])
	file := w.send(caller{}, http.MethodGet, strings.TrimPrefix(*day.RedirectTo, w.url), nil)
	require.Equal(t, http.StatusOK, file.status)

	require.NoError(t, theirs.VoiceV1.DeleteArchivedCall(string(yesterday()), call))
	require.NoError(t, theirs.VoiceV1.DeleteArchivedCall(string(yesterday()), call))
	_, err = theirs.BulkexportsV1.FetchDay("Calls", "2001-01-01")
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, []int{404, 20404}, []int{refusal.Status, refusal.Code})
}

func TestWithoutAWorkerTheClientHearsItBeforeItGivesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wanted := &exports.CreateExportCustomJobParams{}
	wanted.SetStartDay(string(yesterday())).SetEndDay(string(yesterday())).SetFriendlyName("a")
	_, err := w.theirClient(w.program).BulkexportsV1.CreateExportCustomJob("Calls", wanted)
	refusal := (*client.TwilioRestError)(nil)
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, []int{503, 20503}, []int{refusal.Status, refusal.Code})
	require.Contains(t, w.send(w.program, http.MethodGet, "/v1/Exports/Calls/Jobs", nil).body, `"jobs":[]`)
	used, _, _, err := w.bulk.Quota(t.Context(), w.principal(w.program))
	require.NoError(t, err)
	require.Zero(t, used)
}

func TestAJobWhoseCallerHeardThatItWillNotBeIsNotMadeLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused(t, w.send(w.program, http.MethodPost, "/v1/Exports/Calls/Jobs", job(yesterday(), yesterday())), http.StatusServiceUnavailable, 20503)

	w.work()
	eventually(t, "the run is closed", func() bool {
		closed, err := w.temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: `WorkflowType = "BulkJob" and ExecutionStatus != "Running"`})
		return err == nil && closed.GetCount() == 1
	})
	var jobs int
	require.NoError(t, w.rows.Get(&jobs, `select count(*) from satchel.jobs`))
	require.Zero(t, jobs)
}
