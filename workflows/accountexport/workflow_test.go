package accountexport_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"satchel/activities"
	exportactivities "satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows/accountexport"
	"satchel/workflows/registry"
)

var (
	a      *exportactivities.Activities
	emails *activities.EmailActivities
)

// fixture runs one export in the time-skipping test environment.
type fixture struct {
	*testsuite.TestWorkflowEnvironment
	t  *testing.T
	in accountexport.AccountExportInput

	began     time.Time
	mails     []activities.SendEmailInput
	mailedAt  []time.Time
	collected atomic.Int64
	completed exportactivities.CompleteExportResult
	removed   []exportactivities.RemoveArchiveInput
	removedAt time.Time
}

// newFixture makes an export of which every activity succeeds. A test changes that by
// expecting something of an activity before run.
func newFixture(t *testing.T) *fixture {
	var suite testsuite.WorkflowTestSuite
	s := &fixture{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	registry.RegisterWorkflows(s)
	s.RegisterActivity(a)
	s.RegisterActivity(emails)
	s.SetStartTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s.began = s.Now()
	s.in = accountexport.AccountExportInput{
		ID: schema.NewExportID(), Account: schema.NewAccountID(), RequestedBy: schema.NewUserID(),
		RequestedAt: s.began, Windows: schema.DefaultWindows(),
	}
	return s
}

func (s *fixture) run() {
	s.OnActivity(a.OpenExport, mock.Anything, mock.Anything).Return(nil).Maybe()
	s.OnActivity(a.ConfirmExport, mock.Anything, mock.Anything).Return(nil).Maybe()
	s.OnActivity(a.CollectCategory, mock.Anything, mock.Anything).Return(
		func(context.Context, exportactivities.CollectCategoryInput) error { s.collected.Add(1); return nil }).Maybe()
	s.OnActivity(a.AssembleArchive, mock.Anything, mock.Anything).Return(exportactivities.AssembleArchiveResult{}, nil).Maybe()
	s.OnActivity(a.CompleteExport, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in exportactivities.CompleteExportInput) (exportactivities.CompleteExportResult, error) {
			s.completed = exportactivities.CompleteExportResult{
				CompletedAt: s.Now(), ExpiresAt: s.Now().Add(in.Windows.Download), AvailableAgainAt: s.Now().Add(in.Windows.Cooldown),
			}
			return s.completed, nil
		}).Maybe()
	s.OnActivity(emails.SendEmail, mock.Anything, mock.Anything).Return(
		func(_ context.Context, m activities.SendEmailInput) error {
			s.mails, s.mailedAt = append(s.mails, m), append(s.mailedAt, s.Now())
			return nil
		}).Maybe()
	s.OnActivity(a.ConfirmWindowLeft, mock.Anything, mock.Anything).Return(time.Duration(0), nil).Maybe()
	s.OnActivity(a.BeginRemoval, mock.Anything, mock.Anything).Return(true, nil).Maybe()
	s.OnActivity(a.RemoveArchive, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in exportactivities.RemoveArchiveInput) error {
			s.removed, s.removedAt = append(s.removed, in), s.Now()
			return nil
		}).Maybe()
	s.ExecuteWorkflow(accountexport.AccountExport, s.in)
	require.True(s.t, s.IsWorkflowCompleted())
}

func (s *fixture) signal(after time.Duration, signal accountexport.Signal) {
	s.RegisterDelayedCallback(func() {
		s.SignalWorkflow(string(signal), accountexport.SignalPayload{Export: s.in.ID, By: "US-by"})
	}, after)
}

func (s *fixture) kinds() []activities.EmailKind {
	var kinds []activities.EmailKind
	for _, m := range s.mails {
		kinds = append(kinds, m.Kind)
	}
	return kinds
}

func (s *fixture) ending() schema.Ending {
	require.Len(s.t, s.removed, 1, "an export ends once")
	return s.removed[0].Ending
}

func TestArchiveIsRemovedExactlyADayAfterItIsReady(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.run()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}, s.ending())
	require.EqualValues(t, len(schema.Categories), s.collected.Load())
	require.Equal(t, []activities.EmailKind{exportactivities.RequestEmail, exportactivities.ReadyEmail}, s.kinds())
}

func TestAnExportReadsTheCategoriesThatItBeganWith(t *testing.T) {
	s := newFixture(t)
	s.in.Categories = schema.Categories[:len(schema.Categories)-1] // as if there were one more by now
	var opened, read []schema.Category
	s.OnActivity(a.OpenExport, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in exportactivities.OpenExportInput) error { opened = in.Categories; return nil })
	var mu sync.Mutex
	s.OnActivity(a.CollectCategory, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in exportactivities.CollectCategoryInput) error {
			mu.Lock()
			defer mu.Unlock()
			read = append(read, in.Category)
			return nil
		})
	s.signal(time.Hour, accountexport.Confirmed)
	s.run()
	require.Equal(t, s.in.Categories, opened)
	require.ElementsMatch(t, s.in.Categories, read)
	require.Equal(t, schema.ReasonWindowPassed, s.ending().Reason)
}

func TestActivitiesHaveIDsForOperators(t *testing.T) {
	s := newFixture(t)
	var mu sync.Mutex
	var ids []string
	s.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, info.ActivityID)
	})
	s.signal(time.Hour, accountexport.ResendConfirmation)
	s.signal(2*time.Hour, accountexport.Confirmed)
	s.run()
	want := []string{"open", "email-request-1", "email-request-2", "confirm", "assemble", "verify", "email-ready-1", "remove"}
	for _, c := range schema.Categories {
		want = append(want, string(c))
	}
	require.ElementsMatch(t, want, ids)
}

func TestConfirmationInTheLastMinuteCounts(t *testing.T) {
	s := newFixture(t)
	s.signal(24*time.Hour-time.Minute, accountexport.Confirmed)
	s.run()
	require.Equal(t, schema.Expired, s.ending().Status)
	require.Equal(t, schema.ReasonWindowPassed, s.ending().Reason)
}

func TestUnconfirmedExportLapsesAfterADay(t *testing.T) {
	s := newFixture(t)
	s.run()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.began))
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.ReasonUnconfirmed}, s.ending())
	require.Zero(t, s.collected.Load(), "nothing is read without a confirmation")
	require.Equal(t, []activities.EmailKind{exportactivities.RequestEmail, exportactivities.UnconfirmedEmail}, s.kinds())
}

// The server accepts confirmations by the database's clock, which may be behind Temporal's.
func TestAConfirmationCountsWhileTheDatabaseSaysThatTheWindowIsOpen(t *testing.T) {
	s := newFixture(t)
	s.OnActivity(a.ConfirmWindowLeft, mock.Anything, mock.Anything).Return(time.Hour, nil).Once()
	s.signal(24*time.Hour+30*time.Minute, accountexport.Confirmed)
	s.run()
	require.Equal(t, schema.ReasonWindowPassed, s.ending().Reason)
	require.EqualValues(t, len(schema.Categories), s.collected.Load())

	s = newFixture(t)
	s.OnActivity(a.ConfirmWindowLeft, mock.Anything, mock.Anything).Return(time.Hour, nil).Once()
	s.run()
	require.Equal(t, schema.ReasonUnconfirmed, s.ending().Reason)
	require.Equal(t, 25*time.Hour, s.removedAt.Sub(s.began))
	require.Equal(t, []activities.EmailKind{exportactivities.RequestEmail, exportactivities.UnconfirmedEmail}, s.kinds(), "the link is not sent again")
}

func TestConfirmingTwiceIsConfirmingOnce(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.signal(time.Hour, accountexport.Confirmed)
	s.signal(2*time.Hour, accountexport.Confirmed)
	s.run()
	s.AssertActivityNumberOfCalls(t, "ConfirmExport", 1)
	require.EqualValues(t, len(schema.Categories), s.collected.Load())
}

func TestSignalForAnotherExportIsIgnored(t *testing.T) {
	s := newFixture(t)
	s.RegisterDelayedCallback(func() {
		s.SignalWorkflow(string(accountexport.Confirmed), accountexport.SignalPayload{Export: schema.NewExportID(), By: "US-by"})
		s.SignalWorkflow(string(accountexport.Cancelled), accountexport.SignalPayload{Export: schema.NewExportID(), By: "US-by"})
	}, time.Hour)
	s.run()
	require.Equal(t, schema.ReasonUnconfirmed, s.ending().Reason)
}

func TestConfirmationEmailIsSentAgainWithANewLinkAndTheSameWindow(t *testing.T) {
	s := newFixture(t)
	s.signal(23*time.Hour, accountexport.ResendConfirmation)
	s.run()
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.began))
	require.Equal(t, []activities.EmailKind{exportactivities.RequestEmail, exportactivities.RequestEmail, exportactivities.UnconfirmedEmail}, s.kinds())
	require.Equal(t, []int{1, 2}, []int{s.mails[0].LinkVersion, s.mails[1].LinkVersion})
}

func TestTheRunStaysOpenUntilADayAfterCompletion(t *testing.T) {
	s := newFixture(t)
	s.in.Windows.Download = time.Hour
	var closed time.Time
	s.SetOnTimerFiredListener(func(string) { closed = s.Now() })
	s.signal(time.Hour, accountexport.Confirmed)
	s.run()
	require.Equal(t, time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	require.Equal(t, 24*time.Hour, closed.Sub(s.completed.CompletedAt))
}

func TestTheRunsDetailsSayWhenTheNextCanBeRequested(t *testing.T) {
	s := newFixture(t)
	s.in.Windows.Download = time.Hour
	s.signal(time.Hour, accountexport.Confirmed)
	var details string
	s.RegisterDelayedCallback(func() {
		answer, err := s.QueryWorkflow("__temporal_workflow_metadata")
		require.NoError(t, err)
		var metadata sdkpb.WorkflowMetadata
		require.NoError(t, answer.Get(&metadata))
		details = metadata.GetCurrentDetails()
	}, 5*time.Hour)
	s.run()
	require.Equal(t, "Ended: expired. The next can be requested from 2026-03-02T13:00:00Z on.", details)
}

func TestAWindowThatIsMissingIsTheUsualOne(t *testing.T) {
	for _, windows := range []schema.Windows{{}, {Confirm: -1, Download: -1, Cooldown: -1, Collect: -1}} {
		s := newFixture(t)
		s.in.Windows = windows
		s.signal(23*time.Hour, accountexport.Confirmed)
		s.run()
		require.NoError(t, s.GetWorkflowError())
		require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	}
}

func TestACategoryThatFailsOnceIsRetried(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(a.CollectCategory, mock.Anything, mock.Anything).Return(errors.New("away")).Once()
	s.run()
	require.EqualValues(t, len(schema.Categories), s.collected.Load())
	require.Equal(t, schema.ReasonWindowPassed, s.ending().Reason)
}

func TestACategoryThatKeepsFailingFailsTheExportAndNamesItself(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(a.CollectCategory, mock.Anything, mock.MatchedBy(func(in exportactivities.CollectCategoryInput) bool { return in.Category == "flows" })).
		Return(temporal.NewNonRetryableApplicationError("no", "no", nil))
	s.run()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, schema.Ending{Status: schema.Failed, Reason: schema.ReasonFailed("flows"), Category: "flows"}, s.ending())
	require.Equal(t, []activities.EmailKind{exportactivities.RequestEmail, exportactivities.FailedEmail}, s.kinds())
	require.Equal(t, time.Hour, s.Now().Sub(s.began), "a failed export leaves the account free")
}

func TestAFailureOfStorageBlamesNoCategory(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(a.CollectCategory, mock.Anything, mock.MatchedBy(func(in exportactivities.CollectCategoryInput) bool { return in.Category == "flows" })).
		Return(temporal.NewNonRetryableApplicationError("denied", activities.StorageErrorType, nil))
	s.run()
	require.Equal(t, schema.Ending{Status: schema.Failed, Reason: schema.ReasonFailed("")}, s.ending())
}

func TestRetriesOfACategoryAreBounded(t *testing.T) {
	s := newFixture(t)
	s.in.Windows.Collect = 2 * time.Hour
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(a.CollectCategory, mock.Anything, mock.MatchedBy(func(in exportactivities.CollectCategoryInput) bool { return in.Category == "calls" })).
		Return(errors.New("away"))
	s.run()
	require.Equal(t, schema.Category("calls"), s.ending().Category)
	require.LessOrEqual(t, s.removedAt.Sub(s.began), 3*time.Hour+time.Minute)
}

func TestFailingEmailsNeitherFailAnExportNorDelayItsRemoval(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(emails.SendEmail, mock.Anything, mock.MatchedBy(func(m activities.SendEmailInput) bool { return m.Kind == exportactivities.ReadyEmail })).
		Return(errors.New("provider away for good"))
	s.run()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	require.Equal(t, schema.ReasonWindowPassed, s.ending().Reason)
}

func TestReadyEmailIsRetriedThroughTheWindow(t *testing.T) {
	s := newFixture(t)
	s.in.Windows.Download = 48 * time.Hour
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(emails.SendEmail, mock.Anything, mock.MatchedBy(func(m activities.SendEmailInput) bool { return m.Kind == exportactivities.ReadyEmail })).
		Return(func(_ context.Context, m activities.SendEmailInput) error {
			if s.Now().Before(s.completed.CompletedAt.Add(30 * time.Hour)) {
				// the test environment counts attempts; the next delay keeps them few
				return temporal.NewApplicationErrorWithOptions("away", "mail", temporal.ApplicationErrorOptions{NextRetryDelay: 6 * time.Hour})
			}
			s.mails = append(s.mails, m)
			return nil
		})
	s.run()
	require.Equal(t, []activities.EmailKind{exportactivities.RequestEmail, exportactivities.ReadyEmail}, s.kinds())
}

func TestRemovalIsRetriedUntilItSucceeds(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	var tries int
	s.OnActivity(a.RemoveArchive, mock.Anything, mock.Anything).Return(func(_ context.Context, in exportactivities.RemoveArchiveInput) error {
		if tries++; tries < 9 { // the test environment itself stops at ten
			return errors.New("S3 is away")
		}
		s.removed, s.removedAt = append(s.removed, in), s.Now()
		return nil
	})
	s.run()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, schema.ReasonWindowPassed, s.ending().Reason)
	require.Equal(t, 9, tries)
}

func TestARejectedOpeningEndsTheRunAndRemovesNothing(t *testing.T) {
	s := newFixture(t)
	s.OnActivity(a.OpenExport, mock.Anything, mock.Anything).
		Return(temporal.NewNonRetryableApplicationError("cooldown", "conflict", nil))
	s.run()
	require.Error(t, s.GetWorkflowError())
	require.Empty(t, s.removed)
	require.Empty(t, s.mails)
}
