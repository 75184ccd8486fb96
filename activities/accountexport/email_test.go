package accountexport_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/activities/mail"
	"satchel/dev/demo"
	"satchel/dev/mailbox"
	"satchel/schema"
)

func (r *fixture) mail(kind activities.EmailKind, linkVersion int) error {
	return r.run(r.emails.SendEmail, activities.SendEmailInput{About: r.export, Account: r.account.AccountSID, Kind: kind, LinkVersion: linkVersion}, nil)
}

func (r *fixture) subjects() (subjects []string) {
	for _, m := range r.inbox.Messages() {
		subjects = append(subjects, m.Subject)
	}
	return subjects
}

func TestEveryRecipientGetsOneEmail(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true, Member: true}, nil)
	r.open()
	in := activities.SendEmailInput{About: r.export, Account: r.account.AccountSID, Kind: accountexport.RequestEmail, LinkVersion: 1}
	r.inbox.Fail(nil)
	require.NoError(t, r.run(r.emails.SendEmail, in, nil))
	require.NoError(t, r.run(r.emails.SendEmail, in, nil), "a retried mail is the same mail")
	to := map[string]string{}
	for _, m := range r.inbox.Messages() {
		for _, address := range m.To {
			require.Empty(t, to[address], "one mail each")
			to[address] = m.Text
		}
	}
	require.Len(t, to, 2)
	require.Contains(t, to[r.account.As(schema.Owner).Email], "/confirm/")
	require.NotContains(t, to[r.account.As(schema.Admin).Email], "/confirm/")
	require.Contains(t, to[r.account.As(schema.Admin).Email], "/stop/")

	in.LinkVersion = 2
	require.NoError(t, r.run(r.emails.SendEmail, in, nil))
	require.Len(t, r.inbox.Messages(), 3, "the others were notified already")
}

func TestARejectedAddressDoesNotStopTheOtherEmails(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true}, nil)
	r.open()
	r.inbox.Fail(&mailbox.Fault{Status: http.StatusUnprocessableEntity, Count: 1})
	require.True(t, nonRetryable(t, r.mail(accountexport.RequestEmail, 1)), "trying again cannot help")
	require.Len(t, r.subjects(), 1, "the requester's")
	require.True(t, nonRetryable(t, r.mail(accountexport.RequestEmail, 1)))
	require.Len(t, r.subjects(), 1, "what was rejected is not retried")
	require.Equal(t, 1, r.count.mailed[string(mail.Notice)+" refused"])
	require.Equal(t, 1, r.count.mailed[string(mail.Confirmation)+" sent"])

	require.True(t, nonRetryable(t, r.mail(accountexport.RequestEmail, 2)))
	require.Len(t, r.subjects(), 2)
}

func TestNobodyGetsTheLinkBeforeAllWhoMayStopTheExportAreNotified(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true}, nil)
	r.open()
	r.inbox.Fail(&mailbox.Fault{Status: http.StatusInternalServerError, Count: 1})
	require.False(t, nonRetryable(t, r.mail(accountexport.RequestEmail, 1)))
	require.Empty(t, r.subjects(), "the notice is delayed")
	require.NoError(t, r.mail(accountexport.RequestEmail, 1))
	newest := r.subjects()
	require.Len(t, newest, 2)
	require.Contains(t, newest[0], "Confirm")
	require.Contains(t, newest[1], "was requested")
}

func TestOfManyCancelledRequestsTheOthersGetTwoNoticesAnHour(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true}, nil)
	for i := range 4 {
		r.export = schema.NewExportID()
		r.open()
		require.NoError(t, r.mail(accountexport.RequestEmail, 1))
		require.NoError(t, r.mail(accountexport.RequestEmail, 2))
		require.Equal(t, min(i+1, 2), r.count.mailed[string(mail.Notice)+" sent"])
		require.Equal(t, 2*(i+1), r.count.mailed[string(mail.Confirmation)+" sent"])
		r.cancelled()
	}
	_, err := r.store.SQL().Exec(`update satchel.emails set at = at - interval '61 minutes'`)
	require.NoError(t, err)
	r.export = schema.NewExportID()
	r.open()
	require.NoError(t, r.mail(accountexport.RequestEmail, 1))
	require.Equal(t, 3, r.count.mailed[string(mail.Notice)+" sent"], "an hour later they hear of it again")
}

// cancelled ends the export.
func (r *fixture) cancelled() {
	r.t.Helper()
	require.NoError(r.t, r.run(r.RemoveArchive, accountexport.RemoveArchiveInput{Export: r.export, Account: r.account.AccountSID,
		Ending: schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}}, nil))
}

func TestAnExportThatIsCancelledWhileNoticesAreSentSendsNoMore(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.open()
	r.directory.Directory = manyOwners{r.directory.Directory, 9}
	cancelling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.inbox.ServeHTTP(w, req)
		_, _ = r.store.SQL().Exec(`update satchel.exports set status = 'cancelled', reason = 'cancelled', ended_at = now()`)
	}))
	t.Cleanup(cancelling.Close)
	var err error
	r.emails.Mail, err = mail.New(mail.Config{APIKey: "re_test", BaseURL: cancelling.URL, From: "Satchel <exports@example.com>"})
	require.NoError(t, err)
	require.NoError(t, r.mail(accountexport.RequestEmail, 1))
	require.Len(t, r.subjects(), 1)
}

func TestEmailsAreSentOnceTheSettingsAreMended(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true}, nil)
	r.open()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		r.inbox.Fail(&mailbox.Fault{Status: status})
		require.False(t, nonRetryable(t, r.mail(accountexport.RequestEmail, 1)))
	}
	require.Equal(t, 2, r.count.mailed[string(mail.Notice)+" blocked"], "operators see it")
	require.Zero(t, r.count.mailed[string(mail.Confirmation)+" blocked"], "and one e-mail is enough to know")
	r.inbox.Fail(nil)
	require.NoError(t, r.mail(accountexport.RequestEmail, 1))
	require.Len(t, r.subjects(), 2)
}

// manyOwners is an account with many owners.
type manyOwners struct {
	activities.Directory
	people int
}

func (c manyOwners) People(context.Context, string) (people []schema.Person, err error) {
	for i := range c.people {
		people = append(people, schema.Person{ID: fmt.Sprintf("US%032d", i), Email: fmt.Sprintf("owner%d@example.com", i), Role: schema.Owner})
	}
	return people, nil
}

func TestAProvidersRateLimitLosesNoEmail(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.open()
	var left atomic.Int64
	limited := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if left.Add(-1) < 0 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		r.inbox.ServeHTTP(w, req)
	}))
	t.Cleanup(limited.Close)
	var err error
	r.emails.Mail, err = mail.New(mail.Config{APIKey: "re_test", BaseURL: limited.URL, From: "Satchel <exports@example.com>"})
	require.NoError(t, err)
	r.directory.Directory = manyOwners{r.directory.Directory, 9}
	for attempt := 1; ; attempt++ {
		require.LessOrEqual(t, attempt, 5, "each attempt goes on where the last one was stopped")
		left.Store(2)
		if err = r.mail(accountexport.RequestEmail, 1); err == nil {
			break
		}
		require.False(t, nonRetryable(t, err))
	}
	require.Len(t, r.subjects(), 9)
	require.Equal(t, 4, r.count.mailed[string(mail.Confirmation)+" limited"])
	require.Zero(t, r.count.mailed[string(mail.Confirmation)+" blocked"], "it needs no operator")
}

func TestTheOthersAreNotifiedHoweverQuickTheExportWas(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true}, nil)
	r.confirm()
	r.collectAll()
	r.complete()
	require.NoError(t, r.mail(accountexport.RequestEmail, 1))
	require.Len(t, r.subjects(), 1)
	require.Contains(t, r.subjects()[0], "was requested")
}

func TestALinkThatWasRequestedAgainIsSentOnce(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.open()
	r.inbox.Fail(&mailbox.Fault{Status: http.StatusServiceUnavailable})
	for linkVersion := 1; linkVersion <= 3; linkVersion++ {
		require.Error(t, r.mail(accountexport.RequestEmail, linkVersion))
	}
	r.inbox.Fail(nil)
	for linkVersion := 1; linkVersion <= 3; linkVersion++ {
		require.NoError(t, r.mail(accountexport.RequestEmail, linkVersion))
	}
	require.Len(t, r.subjects(), 1)
}

func TestAnEmailThatIsNoLongerTrueIsNotSent(t *testing.T) {
	r := newFixture(t, demo.With{Admin: true}, nil)
	r.open()
	require.NoError(t, r.run(r.RemoveArchive, accountexport.RemoveArchiveInput{Export: r.export, Account: r.account.AccountSID,
		Ending: schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}}, nil))
	for _, kind := range []activities.EmailKind{accountexport.RequestEmail, accountexport.ReadyEmail, accountexport.FailedEmail, accountexport.UnconfirmedEmail} {
		require.NoError(t, r.mail(kind, 1))
	}
	require.Empty(t, r.subjects())
}

// lagging is a replica that does not show the account yet.
type lagging struct{ activities.Directory }

func (lagging) Account(context.Context, string) (schema.Account, error) {
	return schema.Account{}, schema.Errorf(schema.NotFound, schema.CodeAccountNotFound, "There is no such account.")
}

func TestAnAccountThatTheSourceDoesNotShowYetIsRetried(t *testing.T) {
	r := newFixture(t, demo.With{}, nil)
	r.confirm()
	visible := r.directory.Directory
	r.directory.Directory = lagging{visible}
	require.False(t, nonRetryable(t, r.mail(accountexport.RequestEmail, 1)))
	r.directory.Directory = manyOwners{visible, 0}
	require.False(t, nonRetryable(t, r.mail(accountexport.RequestEmail, 1)))
	r.directory.Directory = visible
	require.NoError(t, r.mail(accountexport.RequestEmail, 1))
}
