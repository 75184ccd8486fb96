package activities_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/activities/mail"
	"satchel/schema"
)

// emailLedger remembers what was sent, and composes an e-mail to each of many people.
type emailLedger struct {
	people int
	sent   map[string]bool
}

func (*emailLedger) Composes(activities.EmailKind) bool { return true }

func (l *emailLedger) Compose(context.Context, activities.SendEmailInput) (emails []activities.Email, err error) {
	for i := range l.people {
		emails = append(emails, activities.Email{Kind: mail.Notice, To: schema.Person{ID: fmt.Sprintf("US%032d", i), Email: fmt.Sprintf("%d@example.com", i)}, Data: mail.Data{AccountName: "Acme", StopLink: "https://export.example.com/stop", RequestedAt: time.Now(), ConfirmBy: time.Now()}})
	}
	return emails, nil
}

func (l *emailLedger) EmailOutcomes(context.Context, string) (map[string]bool, error) {
	return l.sent, nil
}

func (l *emailLedger) RecordEmailOutcome(_ context.Context, _, name string, sent bool) error {
	l.sent[name] = sent
	return nil
}

func (*emailLedger) Mailed(mail.Kind, string) {}

// silentMailer never answers for some addresses, and counts how often it was asked.
type silentMailer struct {
	silent func(to string) bool
	asked  []string
}

func (m *silentMailer) Send(_ context.Context, message mail.Message) error {
	m.asked = append(m.asked, message.To)
	if m.silent(message.To) {
		return &mail.Error{}
	}
	return nil
}

// send sends the e-mails in so many attempts at most.
func send(t *testing.T, ledger *emailLedger, mailer *silentMailer, attempts int32) error {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	a := &activities.EmailActivities{Ledger: ledger, Mail: mailer, Count: ledger, Composers: []activities.EmailComposer{ledger}}
	env.RegisterActivity(a)
	env.RegisterWorkflow(sendWorkflow)
	env.ExecuteWorkflow(sendWorkflow, attempts)
	require.True(t, env.IsWorkflowCompleted())
	return env.GetWorkflowError()
}

func sendWorkflow(ctx workflow.Context, attempts int32) error {
	var a *activities.EmailActivities
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: attempts},
	})
	return workflow.ExecuteActivity(ctx, a.SendEmail, activities.SendEmailInput{About: "EX1"}).Get(ctx, nil)
}

func TestAnAttemptStopsAtTheFirstEmailThatIsNotAnswered(t *testing.T) {
	ledger := &emailLedger{people: 31, sent: map[string]bool{}}
	mailer := &silentMailer{silent: func(string) bool { return true }}
	require.Error(t, send(t, ledger, mailer, 1))
	require.Len(t, mailer.asked, 1, "a silent provider is waited for once")
}

func TestAnEmailThatIsNeverAnsweredDoesNotKeepTheOthersFromBeingSent(t *testing.T) {
	ledger := &emailLedger{people: 9, sent: map[string]bool{}}
	mailer := &silentMailer{silent: func(to string) bool { return to == "0@example.com" || to == "4@example.com" }}
	require.Error(t, send(t, ledger, mailer, 9))
	require.Len(t, ledger.sent, 7)
}
