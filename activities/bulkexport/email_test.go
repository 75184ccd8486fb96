package bulkexport_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"satchel/activities"
	"satchel/activities/bulkexport"
	"satchel/activities/hook"
	"satchel/dev/demo"
	"satchel/dev/mailbox"
	"satchel/schema"
)

const week = 7 * 24 * time.Hour

func (r *fixture) send(job string, kind activities.EmailKind) error {
	return r.run(r.emails.SendEmail, activities.SendEmailInput{About: job, Account: r.account.AccountSID, Kind: kind, Retention: week})
}

// sent are the mails by whom they went to.
func (r *fixture) sent() map[string]mailbox.Message {
	r.t.Helper()
	sent := map[string]mailbox.Message{}
	for _, m := range r.inbox.Messages() {
		require.Len(r.t, m.To, 1)
		require.NotContains(r.t, sent, m.To[0], "one mail each")
		sent[m.To[0]] = m
	}
	return sent
}

func (r *fixture) email(role schema.Role) string { return r.account.As(role).Email }

// ended ends a job's days in these statuses, and then the job.
func (r *fixture) ended(job schema.Job, statuses ...schema.DayStatus) {
	r.t.Helper()
	for i, s := range statuses {
		_, err := r.store.SQL().Exec(`update satchel.job_days set status = $3, ended_at = clock_timestamp() where job_id = $1 and day = $2`, job.ID, string(job.Start.Plus(i)), string(s))
		require.NoError(r.t, err)
	}
	_, err := r.store.EndJob(r.t.Context(), job.ID)
	require.NoError(r.t, err)
}

func TestOwnersAndAdminsAreNotifiedOfANewJobOnce(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true, Member: true})
	job := r.job(schema.NewJob{JobRequest: schema.JobRequest{Name: "March audit"}, RequestedBy: r.account.As(schema.Admin).ID})
	require.NoError(t, r.send(job.ID, bulkexport.JobRequestedEmail))
	require.NoError(t, r.send(job.ID, bulkexport.JobRequestedEmail), "a retried mail is the same mail")
	sent := r.sent()
	require.Len(t, sent, 2)
	for role, asker := range map[schema.Role]string{schema.Admin: "You requested", schema.Owner: "Some admin requested"} {
		m := sent[r.email(role)]
		require.Contains(t, strings.Join(strings.Fields(m.Text), " "), asker+" the calls of New account: 3 days, from 2026-03-01 to 2026-03-03 (UTC)")
		require.Contains(t, m.Text, job.ID)
		require.Contains(t, m.Text, "https://export.example.com/settings/bulk-export")
		require.NotContains(t, m.Text, "March audit", "what the requester typed is for the requested e-mail only")
		leave := "https://export.example.com/unsubscribe/" + r.links.Token(schema.ToUnsubscribe, r.account.As(role).ID, 1)
		require.Contains(t, m.Text, leave)
		headers := r.inbox.Headers(m.ID)
		require.Equal(t, "<"+leave+">", headers["List-Unsubscribe"])
		require.Equal(t, "List-Unsubscribe=One-Click", headers["List-Unsubscribe-Post"])
	}
	require.Equal(t, map[string]int{"job-requested sent": 2}, r.count.mailed)
}

func TestAProgramIsNamedAsTheRequester(t *testing.T) {
	r := newFixture(t, demo.With{})
	require.NoError(t, r.send(r.job(schema.NewJob{}).ID, bulkexport.JobRequestedEmail))
	require.Contains(t, r.sent()[r.email(schema.Owner)].Text, "Requested by:\nA program with the account's API credentials")
}

func TestUnsubscribedUsersAreNotNotified(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true})
	require.NoError(t, r.store.Unsubscribe(t.Context(), r.account.As(schema.Owner).ID))
	require.NoError(t, r.send(r.job(schema.NewJob{}).ID, bulkexport.JobRequestedEmail))
	require.Contains(t, r.sent(), r.email(schema.Admin))
	require.Len(t, r.sent(), 1)
	require.NoError(t, r.store.Unsubscribe(t.Context(), r.account.As(schema.Admin).ID))
	require.NoError(t, r.send(r.job(schema.NewJob{}).ID, bulkexport.JobRequestedEmail), "where all unsubscribed none is sent")
	require.Len(t, r.sent(), 1)
}

func TestTheAddressOfAJobIsNotifiedOfItsEnd(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true})
	job := r.job(schema.NewJob{JobRequest: schema.JobRequest{Name: "March <audit>", Email: "loader@customer.example"}})
	require.NoError(t, r.send(job.ID, bulkexport.JobEndedEmail))
	require.Empty(t, r.sent(), "it has not ended")
	r.ended(job, schema.DayCompleted, schema.DayCompletedEmpty, schema.DayFailed)
	require.NoError(t, r.send(job.ID, bulkexport.JobEndedEmail))
	require.NoError(t, r.send(job.ID, bulkexport.JobEndedEmail))
	sent := r.sent()
	require.Len(t, sent, 1)
	m := sent["loader@customer.example"]
	require.Equal(t, "The bulk export for New account is ready, except for 1 day", m.Subject)
	for _, fact := range []string{"March <audit>", job.ID, "2026-03-01", "GET /v1/Exports/Calls/Days/2026-03-01", "https://export.example.com/settings/bulk-export",
		job.CreatedAt.Add(week).UTC().Format("Monday, 2 January 2006, 15:04"), "7 days after"} {
		require.Contains(t, strings.Join(strings.Fields(m.Text), " "), fact)
	}
	require.Contains(t, m.HTML, "March &lt;audit&gt;")
	require.NotContains(t, m.HTML, "<audit>")
	require.NotContains(t, m.Text, "/unsubscribe/")
	require.NotContains(t, r.inbox.Headers(m.ID), "List-Unsubscribe")
	require.NotContains(t, m.IdempotencyKey, "customer")

	settled, err := r.store.EmailOutcomes(t.Context(), job.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"job-ended/job-email/1": true}, settled, "no address is kept with it")
}

func TestOwnersAreNotifiedOfAJobThatIsDeletedAtOnceAndItsAddressIsNot(t *testing.T) {
	r := newFixture(t, demo.With{})
	job := r.job(schema.NewJob{JobRequest: schema.JobRequest{Email: "loader@customer.example"}})
	require.NoError(t, r.store.StopJob(t.Context(), job.ID, r.account.As(schema.Owner).ID))
	r.ended(job)
	require.NoError(t, r.send(job.ID, bulkexport.JobEndedEmail))
	require.Empty(t, r.inbox.Messages())
	require.NoError(t, r.send(job.ID, bulkexport.JobRequestedEmail))
	require.Contains(t, r.sent(), r.email(schema.Owner))
}

func TestNoEmailIsSentAboutAnUnknownJobOrOneWithoutAnAddress(t *testing.T) {
	r := newFixture(t, demo.With{})
	for _, kind := range []activities.EmailKind{bulkexport.JobRequestedEmail, bulkexport.JobEndedEmail} {
		require.NoError(t, r.send(schema.NewJobID(), kind))
	}
	quiet := r.job(schema.NewJob{})
	r.ended(quiet, schema.DayCompleted, schema.DayCompleted, schema.DayCompleted)
	require.NoError(t, r.send(quiet.ID, bulkexport.JobEndedEmail), "it has no address")
	require.Empty(t, r.inbox.Messages())
}

func TestAnAddressThatIsRejectedIsNotRetried(t *testing.T) {
	r := newFixture(t, demo.With{})
	job := r.job(schema.NewJob{JobRequest: schema.JobRequest{Name: "seekrit", Email: "seekrit@customer.example"}})
	r.ended(job, schema.DayCompleted, schema.DayCompleted, schema.DayCompleted)
	r.inbox.Fail(&mailbox.Fault{Status: http.StatusServiceUnavailable, Count: 1})
	require.False(t, final(t, r.send(job.ID, bulkexport.JobEndedEmail)))
	r.inbox.Fail(&mailbox.Fault{Status: http.StatusUnprocessableEntity, Count: 1})
	require.True(t, final(t, r.send(job.ID, bulkexport.JobEndedEmail)))
	require.True(t, final(t, r.send(job.ID, bulkexport.JobEndedEmail)))
	require.Empty(t, r.inbox.Messages())
}

func TestAJobAndItsWebhookSayThatItsEmailCouldNotBeDelivered(t *testing.T) {
	r := newFixture(t, demo.With{})
	job := r.job(schema.NewJob{JobRequest: schema.JobRequest{
		Name: "seekrit", Email: "seekrit@customer.example", Hook: schema.Hook{URL: "https://hooks.example.com", Method: "POST"},
	}})
	r.ended(job, schema.DayCompleted, schema.DayCompleted, schema.DayCompleted)
	var end bulkexport.EndJobResult
	require.NoError(t, r.get(&end, r.EndJob, bulkexport.EndJobInput{Job: job.ID}))
	says := func(undelivered bool) {
		t.Helper()
		now, err := r.store.Job(t.Context(), job.ID)
		require.NoError(t, err)
		require.Equal(t, undelivered, now.Undelivered)
		event, err := r.store.Event(t.Context(), end.Event)
		require.NoError(t, err)
		require.Equal(t, undelivered, hook.Params(event).Get("email_status") == "undeliverable")
	}
	says(false)
	r.inbox.Fail(&mailbox.Fault{Status: http.StatusUnprocessableEntity, Count: 1})
	require.Error(t, r.send(job.ID, bulkexport.JobEndedEmail))
	says(true)
	require.NoError(t, r.store.RecordEmailOutcome(t.Context(), job.ID, "job-ended/job-email/1", true))
	says(false)
}

// final tells whether Temporal will not try again, of an error without
// anything private.
func final(t *testing.T, err error) bool {
	t.Helper()
	var e *temporal.ApplicationError
	require.ErrorAs(t, err, &e)
	for _, private := range []string{"seekrit", "customer", "127.0.0.1"} {
		require.NotContains(t, err.Error(), private)
	}
	return e.NonRetryable()
}

func TestOfHundredsOfJobsAPersonIsNotifiedTenTimesAnHour(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true})
	for range 12 {
		job := r.job(schema.NewJob{RequestedBy: r.account.As(schema.Admin).ID})
		require.NoError(t, r.send(job.ID, bulkexport.JobRequestedEmail))
	}
	require.Len(t, r.inbox.Messages(), 2*10, "to the owner and the admin")
	_, err := r.store.SQL().Exec(`update satchel.emails set at = at - interval '61 minutes'`)
	require.NoError(t, err)
	require.NoError(t, r.send(r.job(schema.NewJob{}).ID, bulkexport.JobRequestedEmail))
	require.Len(t, r.inbox.Messages(), 2*11)
}
