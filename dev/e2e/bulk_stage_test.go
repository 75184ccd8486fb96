package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"
	voice "github.com/twilio/twilio-go/rest/voice/v1"

	"satchel/activities/vault"
	"satchel/dev/demo"
	"satchel/dev/e2e/pointed"
	"satchel/dev/stack"
	"satchel/schema"
	"satchel/schema/catalog"
)

// patience is how long what is quick on a quiet machine may take on a busy one.
const patience = 3 * time.Minute

// tenant is an account whose programs use Twilio's client for Go.
type tenant struct {
	demo.Account
	twilioServices
	t  *testing.T
	st *stack.Stack
}

// newTenant makes an account for a test alone. Its webhooks can be signed.
func newTenant(t *testing.T, with demo.With) tenant {
	t.Helper()
	return newTenantOf(t, open(t), stage.dir, with)
}

func newTenantOf(t *testing.T, st *stack.Stack, dir string, with demo.With) tenant {
	t.Helper()
	keys, err := vault.OpenKeyset(filepath.Join(dir, "secrets", "keyset.json"))
	require.NoError(t, err)
	with.Seal = func(account string, token []byte) ([]byte, error) {
		return keys.Seal(context.Background(), token, account, schema.SealedToken)
	}
	a, err := demo.NewAccount(t.Context(), st.Demo.DatabaseURL, with)
	require.NoError(t, err)
	return tenant{a.At(st.Demo.BaseURL), clientFor(t, st, a.AccountSID, a.AuthToken), t, st}
}

// twilioServices are those of Twilio's client that bulk exports have. The client
// itself is no more than all of them, and takes minutes to compile.
type twilioServices struct {
	BulkexportsV1 *bulkexports.ApiService
	VoiceV1       *voice.ApiService
}

func clientFor(t *testing.T, st *stack.Stack, username, password string) twilioServices {
	t.Helper()
	at, err := url.Parse(st.Demo.BaseURL)
	require.NoError(t, err)
	theirs := pointed.Client(at, username, password)
	return twilioServices{bulkexports.NewApiServiceWithClient(theirs), voice.NewApiServiceWithClient(theirs)}
}

// fill gives the account records of a type on each of the days.
func (n tenant) fill(typ schema.ResourceType, from, to schema.Day, perDay int64) {
	n.t.Helper()
	require.NoError(n.t, demo.FillDays(n.t.Context(), n.st.Demo.DatabaseURL, n.AccountSID, typ, from, to, perDay))
}

// job asks for days of a type.
func (n tenant) job(typ schema.ResourceType, from, to schema.Day, more ...func(*bulkexports.CreateExportCustomJobParams)) *bulkexports.BulkexportsV1ExportCustomJob {
	n.t.Helper()
	asked := aJob(from, to)
	for _, m := range more {
		m(asked)
	}
	job, err := n.create(typ, asked)
	require.NoError(n.t, err)
	return job
}

// create asks for a job, patiently.
func (n tenant) create(typ schema.ResourceType, asked *bulkexports.CreateExportCustomJobParams) (job *bulkexports.BulkexportsV1ExportCustomJob, err error) {
	return job, patient(n.t, func() (err error) {
		job, err = n.BulkexportsV1.CreateExportCustomJob(string(typ), asked)
		return err
	})
}

// configure changes what the account wants every day, patiently.
func (n tenant) configure(typ schema.ResourceType, change *bulkexports.UpdateExportConfigurationParams) (now *bulkexports.BulkexportsV1ExportConfiguration) {
	n.t.Helper()
	require.NoError(n.t, patient(n.t, func() (err error) {
		now, err = n.BulkexportsV1.UpdateExportConfiguration(string(typ), change)
		return err
	}))
	return now
}

// patient asks again where the answer is to try again in a moment: this machine
// may have more to do than answer us.
func patient(t *testing.T, ask func() error) error {
	for end := time.Now().Add(patience); ; pause(t, time.Second) {
		err := ask()
		var refused *client.TwilioRestError
		var late net.Error
		busy := errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable || errors.As(err, &late) && late.Timeout()
		if !busy || time.Now().After(end) {
			return err
		}
	}
}

func aJob(from, to schema.Day) *bulkexports.CreateExportCustomJobParams {
	return new(bulkexports.CreateExportCustomJobParams).SetStartDay(string(from)).SetEndDay(string(to)).SetFriendlyName("An export")
}

func telling(hook, method string) func(*bulkexports.CreateExportCustomJobParams) {
	return func(p *bulkexports.CreateExportCustomJobParams) { p.SetWebhookUrl(hook).SetWebhookMethod(method) }
}

// statuses are the days of a job by status. Each day is in one of them, once.
func statuses(t *testing.T, details *[]any) map[schema.DayStatus][]schema.Day {
	t.Helper()
	require.NotNil(t, details)
	found, seen := map[schema.DayStatus][]schema.Day{}, map[schema.Day]bool{}
	for _, d := range *details {
		group := d.(map[string]any)
		status := schema.DayStatus(group["status"].(string))
		for _, day := range group["days"].([]any) {
			day := schema.Day(day.(string))
			require.False(t, seen[day], "%s is there twice", day)
			seen[day] = true
			found[status] = append(found[status], day)
		}
		require.EqualValues(t, len(found[status]), group["count"])
		require.NotEmpty(t, found[status])
		require.IsIncreasing(t, found[status])
	}
	return found
}

// ended waits until all days of a job have ended, and answers how.
func (n tenant) ended(sid string) map[schema.DayStatus][]schema.Day {
	n.t.Helper()
	var found map[schema.DayStatus][]schema.Day
	until(n.t, func() bool {
		var job *bulkexports.BulkexportsV1Job
		require.NoError(n.t, patient(n.t, func() (err error) {
			job, err = n.BulkexportsV1.FetchJob(sid)
			return err
		}))
		found = statuses(n.t, job.Details)
		for status := range found {
			if !status.Ended() {
				return false
			}
		}
		return true
	}, patience)
	return found
}

// days lists the day files that there are of a type.
func (n tenant) days(typ schema.ResourceType) []bulkexports.BulkexportsV1Day {
	n.t.Helper()
	days, err := n.BulkexportsV1.ListDay(string(typ), new(bulkexports.ListDayParams))
	require.NoError(n.t, err)
	return days
}

// link is where the file of a day is.
func (n tenant) link(typ schema.ResourceType, day schema.Day) string {
	n.t.Helper()
	found, err := n.BulkexportsV1.FetchDay(string(typ), string(day))
	require.NoError(n.t, err)
	require.NotNil(n.t, found.RedirectTo)
	return *found.RedirectTo
}

// fetch downloads what a link leads to, as a client does that knows no account.
func fetch(t *testing.T, link string) (answer, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header}, body
}

// lines are the records in the file of a day.
func (n tenant) lines(typ schema.ResourceType, day schema.Day) []string {
	n.t.Helper()
	res, file := fetch(n.t, n.link(typ, day))
	require.Equal(n.t, http.StatusOK, res.StatusCode, "%s", file)
	require.Equal(n.t, "application/gzip", res.Header.Get("Content-Type"))
	require.Empty(n.t, res.Header.Get("Content-Encoding"))
	return inflated(n.t, file)
}

func inflated(t *testing.T, file []byte) []string {
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
	require.True(t, strings.HasSuffix(text, "\n"), "every line is ended")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// contract are the keys of every record, in the order of their columns.
var contract = map[schema.ResourceType]string{
	schema.Messages: "sid account_sid messaging_service_sid from to body num_segments num_media status direction date_created date_sent date_updated price error_code",
	schema.Calls: "sid account_sid parent_call_sid from from_formatted to to_formatted phone_number_sid status direction date_created date_updated " +
		"start_time end_time duration price price_unit answered_by forwarded_from caller_name api_version group_sid queue_time trunk_sid",
	schema.Conferences:  "sid account_sid friendly_name region status date_created date_updated reason_conference_ended call_sid_ending_conference",
	schema.Participants: "account_sid call_sid conference_sid call_sid_to_coach coaching muted hold start_conference_on_enter end_conference_on_exit status date_created date_updated queue_time",
}

// requireRecords holds the lines of a day's file against what Postgres says of
// exactly that account and UTC day: every record, all keys, in order.
func (n tenant) requireRecords(typ schema.ResourceType, day schema.Day, lines []string, erased ...string) {
	t := n.t
	t.Helper()
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	keys := strings.Fields(contract[typ])
	columns := make([]string, len(keys))
	for i, k := range keys {
		columns[i] = pq.QuoteIdentifier(k)
	}
	args := []any{n.AccountSID, day.Begins(), day.Plus(1).Begins()}
	if typ == schema.Calls {
		args = append(args, pq.Array(append([]string{}, erased...)))
	}
	rows, err := databaseOf(t, n.st).QueryContext(t.Context(), "select row_to_json(r)::text from (select "+strings.Join(columns, ", ")+
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

// hearing is a request that a receiver of webhooks got.
type hearing struct {
	method, url, signature, token string
	params                        url.Values
}

// receiver is where an account wants to hear of its exports.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	heard  []hearing
	answer func(n int) int // status for the n-th request, from 1; 204 where nil
}

func newReceiver(t *testing.T, answer func(n int) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := req.ParseForm(); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		h := hearing{
			method: req.Method, url: "http://" + req.Host + req.RequestURI, params: req.PostForm,
			signature: req.Header.Get("X-Twilio-Signature"), token: req.Header.Get("I-Twilio-Idempotency-Token"),
		}
		if req.Method == http.MethodGet {
			h.params = req.Form
		}
		r.mu.Lock()
		r.heard = append(r.heard, h)
		status := http.StatusNoContent
		if r.answer != nil {
			status = r.answer(len(r.heard))
		}
		r.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

// await waits for so many requests, and answers all that came.
func (r *receiver) await(t *testing.T, n int) []hearing {
	t.Helper()
	until(t, func() bool { return len(r.all()) >= n }, patience)
	return r.all()
}

func (r *receiver) all() []hearing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hearing(nil), r.heard...)
}

// requireSigned validates a webhook as Twilio's users do.
func (n tenant) requireSigned(h hearing) {
	n.t.Helper()
	validator := client.NewRequestValidator(n.AuthToken)
	body := ""
	if h.method == http.MethodPost {
		body = h.params.Encode()
	}
	require.True(n.t, validator.ValidateBody(h.url, []byte(body), h.signature), "%s %s", h.method, h.url)
	forged := client.NewRequestValidator(strings.Repeat("0", 32))
	require.False(n.t, forged.ValidateBody(h.url, []byte(body), h.signature))
}

// event is a webhook as our own API shows it.
type event struct {
	ID, Status string
	JobID, Day *string
	Tries      int
}

func (n tenant) events() []event {
	n.t.Helper()
	var all struct{ Events []event }
	p := visit(n.t, n.st)
	p.user, p.pass = n.AccountSID, n.AuthToken
	p.json(http.MethodGet, "/v1/bulk/events", http.StatusOK, &all)
	return all.Events
}

// delivered waits until the account's only webhook was delivered.
func (n tenant) delivered() event {
	n.t.Helper()
	var all []event
	until(n.t, func() bool {
		all = n.events()
		return len(all) > 0 && all[0].Status == "delivered"
	}, patience)
	require.Len(n.t, all, 1, "one logical event")
	return all[0]
}

// yesterday is the newest day that can be exported.
func yesterday() schema.Day { return schema.DayOf(time.Now()).Plus(-1) }

func databaseOf(t *testing.T, st *stack.Stack) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", st.Demo.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
