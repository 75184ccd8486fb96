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

	"satchel/dev/e2e/twilioclient"
	"satchel/schema"
)

// twilioServices are the parts of Twilio's client that this API implements.
type twilioServices struct {
	BulkexportsV1 *exports.ApiService
	VoiceV1       *voice.ApiService
}

// twilioClient is Twilio's own client library, unmodified.
func (fx *fixture) twilioClient(as credentials) twilioServices {
	fx.t.Helper()
	to, err := url.Parse(fx.url)
	require.NoError(fx.t, err)
	c := twilioclient.Client(to, as.name, as.secret)
	c.SetAccountSid(as.account)
	return twilioServices{exports.NewApiServiceWithClient(c), voice.NewApiServiceWithClient(c)}
}

func TestTwiliosOwnClientWorksUnmodified(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.bulk.Site = "" // URLs then use the host that the client connects to
	fx.startWorkers()
	call := "CA" + strings.Repeat("0a", 16)
	fx.platform.setRecords(fx.program.account, schema.Calls, yesterday(), call)
	twilio := fx.twilioClient(fx.program)
	one := 1

	export, err := twilio.BulkexportsV1.FetchExport("Calls")
	require.NoError(t, err)
	require.Equal(t, "Calls", *export.ResourceType)
	enabled := &exports.UpdateExportConfigurationParams{}
	configured, err := twilio.BulkexportsV1.UpdateExportConfiguration("Calls", enabled.SetEnabled(true))
	require.NoError(t, err)
	require.True(t, *configured.Enabled)

	var sids []string
	for range 3 {
		params := &exports.CreateExportCustomJobParams{}
		params.SetStartDay(string(yesterday().Plus(-1))).SetEndDay(string(yesterday())).SetFriendlyName("Été & fils")
		created, err := twilio.BulkexportsV1.CreateExportCustomJob("Calls", params)
		require.NoError(t, err)
		require.Equal(t, "Été & fils", *created.FriendlyName)
		sids = append([]string{*created.JobSid}, sids...)
	}
	listed, err := twilio.BulkexportsV1.ListExportCustomJob("Calls", (&exports.ListExportCustomJobParams{}).SetPageSize(one))
	require.NoError(t, err)
	var got []string
	for _, j := range listed {
		got = append(got, *j.JobSid)
	}
	require.Equal(t, sids, got, "over three pages")
	eventually(t, "the jobs have ended", func() bool {
		for _, sid := range sids {
			j, err := twilio.BulkexportsV1.FetchJob(sid)
			require.NoError(t, err)
			if j.EstimatedCompletionTime != nil {
				return false
			}
		}
		return true
	})
	err = twilio.BulkexportsV1.DeleteJob(sids[0])
	restError := (*client.TwilioRestError)(nil)
	require.ErrorAs(t, err, &restError)
	require.Equal(t, []int{409, 20409}, []int{restError.Status, restError.Code})

	days, err := twilio.BulkexportsV1.ListDay("Calls", (&exports.ListDayParams{}).SetPageSize(one))
	require.NoError(t, err)
	require.Len(t, days, 2)
	day, err := twilio.BulkexportsV1.FetchDay("Calls", string(yesterday()))
	require.NoError(t, err)
	require.Equal(t, fx.url, (*day.RedirectTo)[:len(fx.url)])
	file := fx.send(anonymous, http.MethodGet, strings.TrimPrefix(*day.RedirectTo, fx.url), nil)
	require.Equal(t, http.StatusOK, file.status)

	require.NoError(t, twilio.VoiceV1.DeleteArchivedCall(string(yesterday()), call))
	require.NoError(t, twilio.VoiceV1.DeleteArchivedCall(string(yesterday()), call))
	_, err = twilio.BulkexportsV1.FetchDay("Calls", "2001-01-01")
	require.ErrorAs(t, err, &restError)
	require.Equal(t, []int{404, 20404}, []int{restError.Status, restError.Code})
}

func TestWithoutAWorkerTheClientGetsA503BeforeItTimesOut(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	params := &exports.CreateExportCustomJobParams{}
	params.SetStartDay(string(yesterday())).SetEndDay(string(yesterday())).SetFriendlyName("a")
	_, err := fx.twilioClient(fx.program).BulkexportsV1.CreateExportCustomJob("Calls", params)
	restError := (*client.TwilioRestError)(nil)
	require.ErrorAs(t, err, &restError)
	require.Equal(t, []int{503, 20503}, []int{restError.Status, restError.Code})
	require.Contains(t, fx.send(fx.program, http.MethodGet, "/v1/Exports/Calls/Jobs", nil).body, `"jobs":[]`)
	used, _, _, err := fx.bulk.Quota(t.Context(), fx.principal(fx.program))
	require.NoError(t, err)
	require.Zero(t, used)
}

func TestJobThatWasAnsweredWithAnErrorIsNotCreatedLater(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	requireError(t, fx.send(fx.program, http.MethodPost, "/v1/Exports/Calls/Jobs", job(yesterday(), yesterday())), http.StatusServiceUnavailable, 20503)

	fx.startWorkers()
	eventually(t, "the run is closed", func() bool {
		closed, err := fx.temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: `WorkflowType = "BulkJob" and ExecutionStatus != "Running"`})
		return err == nil && closed.GetCount() == 1
	})
	var jobs int
	require.NoError(t, fx.rows.Get(&jobs, `select count(*) from satchel.jobs`))
	require.Zero(t, jobs)
}
