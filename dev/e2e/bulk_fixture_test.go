package e2e

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"
	voice "github.com/twilio/twilio-go/rest/voice/v1"

	"satchel/dev/demo"
	"satchel/dev/e2e/twilioclient"
	"satchel/dev/fixture"
	"satchel/schema"
	"satchel/schema/catalog"
)

// account is an account with Twilio's client for Go.
type account struct {
	fixture.Account
	twilioServices
	t    *testing.T
	st   *fixture.Stack
	base string // URL of the server
}

// newAccount creates an account on the shared stack.
func newAccount(t *testing.T, with demo.With) account {
	t.Helper()
	return newAccountOn(t, shared.Stack(t), with)
}

func newAccountOn(t *testing.T, st *fixture.Stack, with demo.With) account {
	t.Helper()
	return account{Account: st.NewAccount(t, with), t: t, st: st}.at(st.Demo.BaseURL)
}

// at returns the account with clients of another server of the stack.
func (n account) at(base string) account {
	n.base, n.twilioServices = base, twilioClient(n.t, base, n.AccountSID, n.AuthToken)
	return n
}

// twilioServices are the services of Twilio's client that bulk exports implement.
// The package of the whole client takes minutes to compile.
type twilioServices struct {
	BulkexportsV1 *bulkexports.ApiService
	VoiceV1       *voice.ApiService
}

func twilioClient(t *testing.T, base, username, password string) twilioServices {
	t.Helper()
	at, err := url.Parse(base)
	require.NoError(t, err)
	c := twilioclient.Client(at, username, password)
	return twilioServices{bulkexports.NewApiServiceWithClient(c), voice.NewApiServiceWithClient(c)}
}

// fill adds records of a type to each of the days.
func (n account) fill(typ schema.ResourceType, from, to schema.Day, perDay int64) {
	n.t.Helper()
	n.FillDays(n.t, typ, from, to, perDay)
}

// job creates a job.
func (n account) job(typ schema.ResourceType, from, to schema.Day, more ...func(*bulkexports.CreateExportCustomJobParams)) *bulkexports.BulkexportsV1ExportCustomJob {
	n.t.Helper()
	params := jobParams(from, to)
	for _, m := range more {
		m(params)
	}
	job, err := n.create(typ, params)
	require.NoError(n.t, err)
	return job
}

// create creates a job; it retries while the server is busy.
func (n account) create(typ schema.ResourceType, params *bulkexports.CreateExportCustomJobParams) (job *bulkexports.BulkexportsV1ExportCustomJob, err error) {
	return job, retryBusy(n.t, func() (err error) {
		job, err = n.BulkexportsV1.CreateExportCustomJob(string(typ), params)
		return err
	})
}

// deleteJob deletes a job; it retries while the server is busy.
func (n account) deleteJob(sid string) {
	n.t.Helper()
	assert.NoError(n.t, retryBusy(n.t, func() error { return n.BulkexportsV1.DeleteJob(sid) }))
}

// configure updates the daily export; it retries while the server is busy.
func (n account) configure(typ schema.ResourceType, change *bulkexports.UpdateExportConfigurationParams) (now *bulkexports.BulkexportsV1ExportConfiguration) {
	n.t.Helper()
	require.NoError(n.t, retryBusy(n.t, func() (err error) {
		now, err = n.BulkexportsV1.UpdateExportConfiguration(string(typ), change)
		return err
	}))
	return now
}

// retryBusy retries a request after 503 and timeouts, which are expected on a busy
// machine.
func retryBusy(t *testing.T, send func() error) error {
	for end := time.Now().Add(fixture.Timeout); ; fixture.Pause(t, time.Second) {
		err := send()
		var rejected *client.TwilioRestError
		var timeout net.Error
		busy := errors.As(err, &rejected) && rejected.Status == http.StatusServiceUnavailable || errors.As(err, &timeout) && timeout.Timeout()
		if !busy || time.Now().After(end) {
			return err
		}
	}
}

func jobParams(from, to schema.Day) *bulkexports.CreateExportCustomJobParams {
	return new(bulkexports.CreateExportCustomJobParams).SetStartDay(string(from)).SetEndDay(string(to)).SetFriendlyName("An export")
}

func withWebhook(hook, method string) func(*bulkexports.CreateExportCustomJobParams) {
	return func(p *bulkexports.CreateExportCustomJobParams) { p.SetWebhookUrl(hook).SetWebhookMethod(method) }
}

// daysByStatus returns the days of a job by status. Each day must be listed once.
func daysByStatus(t *testing.T, details *[]any) map[schema.DayStatus][]schema.Day {
	t.Helper()
	require.NotNil(t, details)
	found, seen := map[schema.DayStatus][]schema.Day{}, map[schema.Day]bool{}
	for _, d := range *details {
		group := d.(map[string]any)
		status := schema.DayStatus(group["status"].(string))
		for _, day := range group["days"].([]any) {
			day := schema.Day(day.(string))
			require.False(t, seen[day], "%s is listed twice", day)
			seen[day] = true
			found[status] = append(found[status], day)
		}
		require.EqualValues(t, len(found[status]), group["count"])
		require.NotEmpty(t, found[status])
		require.IsIncreasing(t, found[status])
	}
	return found
}

// awaitEnded waits until all days of a job have ended, and returns them by status.
func (n account) awaitEnded(sid string) map[schema.DayStatus][]schema.Day {
	n.t.Helper()
	var found map[schema.DayStatus][]schema.Day
	fixture.Until(n.t, func() bool {
		var job *bulkexports.BulkexportsV1Job
		require.NoError(n.t, retryBusy(n.t, func() (err error) {
			job, err = n.BulkexportsV1.FetchJob(sid)
			return err
		}))
		found = daysByStatus(n.t, job.Details)
		for status := range found {
			if !status.Ended() {
				return false
			}
		}
		return true
	}, fixture.Timeout)
	return found
}

// listDays lists the day files of a type.
func (n account) listDays(typ schema.ResourceType) []bulkexports.BulkexportsV1Day {
	n.t.Helper()
	days, err := n.BulkexportsV1.ListDay(string(typ), new(bulkexports.ListDayParams))
	require.NoError(n.t, err)
	return days
}

// fileLink returns the download link of a day file.
func (n account) fileLink(typ schema.ResourceType, day schema.Day) string {
	n.t.Helper()
	found, err := n.BulkexportsV1.FetchDay(string(typ), string(day))
	require.NoError(n.t, err)
	require.NotNil(n.t, found.RedirectTo)
	return *found.RedirectTo
}

// fetch downloads a link without credentials.
func fetch(t *testing.T, link string) (response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return response{res.StatusCode, res.Header}, body
}

// fileLines downloads a day file and returns its records.
func (n account) fileLines(typ schema.ResourceType, day schema.Day) []string {
	n.t.Helper()
	res, file := fetch(n.t, n.fileLink(typ, day))
	require.Equal(n.t, http.StatusOK, res.StatusCode, "%s", file)
	require.Equal(n.t, "application/gzip", res.Header.Get("Content-Type"))
	require.Empty(n.t, res.Header.Get("Content-Encoding"))
	return gunzipLines(n.t, file)
}

func gunzipLines(t *testing.T, file []byte) []string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	text, err := io.ReadAll(zip)
	require.NoError(t, err)
	return linesOf(t, string(text))
}

func linesOf(t *testing.T, text string) []string {
	t.Helper()
	if text == "" {
		return nil
	}
	require.True(t, strings.HasSuffix(text, "\n"), "the last line is terminated")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// recordKeys are the keys of the records of each type, in order.
var recordKeys = map[schema.ResourceType]string{
	schema.Messages: "sid account_sid messaging_service_sid from to body num_segments num_media status direction date_created date_sent date_updated price error_code",
	schema.Calls: "sid account_sid parent_call_sid from from_formatted to to_formatted phone_number_sid status direction date_created date_updated " +
		"start_time end_time duration price price_unit answered_by forwarded_from caller_name api_version group_sid queue_time trunk_sid",
	schema.Conferences:  "sid account_sid friendly_name region status date_created date_updated reason_conference_ended call_sid_ending_conference",
	schema.Participants: "account_sid call_sid conference_sid call_sid_to_coach coaching muted hold start_conference_on_enter end_conference_on_exit status date_created date_updated queue_time",
}

// requireRecords compares the lines of a day file with what Postgres returns for
// that account and UTC day: every record, all keys, in order.
func (n account) requireRecords(typ schema.ResourceType, day schema.Day, lines []string, erased ...string) {
	t := n.t
	t.Helper()
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	keys := strings.Fields(recordKeys[typ])
	columns := make([]string, len(keys))
	for i, k := range keys {
		columns[i] = pq.QuoteIdentifier(k)
	}
	args := []any{n.AccountSID, day.Begins(), day.Plus(1).Begins()}
	if typ == schema.Calls {
		args = append(args, pq.Array(append([]string{}, erased...)))
	}
	rows, err := n.st.DB.QueryContext(t.Context(), "select row_to_json(r)::text from (select "+strings.Join(columns, ", ")+
		" from (\n"+queries.Day(typ)+"\n) q order by _at, _key) r", args...)
	require.NoError(t, err)
	defer rows.Close()
	count := 0
	for ; rows.Next(); count++ {
		var want string
		require.NoError(t, rows.Scan(&want))
		require.Less(t, count, len(lines), "%s of %s has too few records", typ, day)
		if want == lines[count] {
			continue
		}
		got, ok := decode(t, []byte(lines[count])).(map[string]any)
		require.True(t, ok)
		require.Equal(t, decode(t, []byte(want)), any(got), "%s of %s, record %d", typ, day, count)
	}
	require.NoError(t, rows.Err())
	require.Len(t, lines, count, "%s of %s has too many records", typ, day)
}

// requireSigned validates a webhook with Twilio's validator.
func (n account) requireSigned(h fixture.WebhookRequest) {
	n.t.Helper()
	validator := client.NewRequestValidator(n.AuthToken)
	body := ""
	if h.Method == http.MethodPost {
		body = h.Params.Encode()
	}
	require.True(n.t, validator.ValidateBody(h.URL, []byte(body), h.Signature), "%s %s", h.Method, h.URL)
	forged := client.NewRequestValidator(strings.Repeat("0", 32))
	require.False(n.t, forged.ValidateBody(h.URL, []byte(body), h.Signature))
}

// event is a webhook in the JSON of the API.
type event struct {
	ID, Status string
	JobID, Day *string
	Tries      int
}

func (n account) events() []event {
	n.t.Helper()
	var all struct{ Events []event }
	p := newClientOf(n.t, n.st)
	p.user, p.pass = n.AccountSID, n.AuthToken
	p.json(http.MethodGet, "/v1/bulk/events", http.StatusOK, &all)
	return all.Events
}

// awaitDelivered waits until the account's only webhook was delivered.
func (n account) awaitDelivered() event {
	n.t.Helper()
	var all []event
	fixture.Until(n.t, func() bool {
		all = n.events()
		return len(all) > 0 && all[0].Status == "delivered"
	}, fixture.Timeout)
	require.Len(n.t, all, 1, "one event")
	return all[0]
}
