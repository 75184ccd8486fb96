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
	"satchel/schema"
	"satchel/workflows"
)

var hands *activities.Activities

// story is one export in a world where time passes in a moment.
type story struct {
	*testsuite.TestWorkflowEnvironment
	t  *testing.T
	in workflows.Export

	began     time.Time
	mails     []activities.Mail
	mailedAt  []time.Time
	collected atomic.Int64
	completed activities.Completed
	removed   []activities.Remove
	removedAt time.Time
}

// newStory answers every activity as on a good day. A test tells what is
// different by expecting something of an activity before play.
func newStory(t *testing.T) *story {
	var suite testsuite.WorkflowTestSuite
	s := &story{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	workflows.Register(s)
	s.RegisterActivity(hands)
	s.SetStartTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s.began = s.Now()
	s.in = workflows.Export{
		ID: schema.NewExportID(), Account: schema.NewAccountID(), RequestedBy: schema.NewUserID(),
		RequestedAt: s.began, Windows: schema.DefaultWindows(),
	}
	return s
}

func (s *story) play() {
	s.OnActivity(hands.OpenExport, mock.Anything, mock.Anything).Return(nil).Maybe()
	s.OnActivity(hands.ConfirmExport, mock.Anything, mock.Anything).Return(nil).Maybe()
	s.OnActivity(hands.CollectCategory, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.Collect) error { s.collected.Add(1); return nil }).Maybe()
	s.OnActivity(hands.AssembleArchive, mock.Anything, mock.Anything).Return(activities.Assembled{}, nil).Maybe()
	s.OnActivity(hands.CompleteExport, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.Complete) (activities.Completed, error) {
			s.completed = activities.Completed{
				CompletedAt: s.Now(), ExpiresAt: s.Now().Add(in.Windows.Download), AvailableAgainAt: s.Now().Add(in.Windows.Cooldown),
			}
			return s.completed, nil
		}).Maybe()
	s.OnActivity(hands.SendMail, mock.Anything, mock.Anything).Return(
		func(_ context.Context, m activities.Mail) error {
			s.mails, s.mailedAt = append(s.mails, m), append(s.mailedAt, s.Now())
			return nil
		}).Maybe()
	s.OnActivity(hands.RemoveArchive, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.Remove) error {
			s.removed, s.removedAt = append(s.removed, in), s.Now()
			return nil
		}).Maybe()
	s.ExecuteWorkflow(workflows.AccountExport, s.in)
	require.True(s.t, s.IsWorkflowCompleted())
}

func (s *story) tell(after time.Duration, signal workflows.Signal) {
	s.RegisterDelayedCallback(func() {
		s.SignalWorkflow(string(signal), workflows.Order{Export: s.in.ID, By: "US-by"})
	}, after)
}

func (s *story) kinds() []activities.MailKind {
	var kinds []activities.MailKind
	for _, m := range s.mails {
		kinds = append(kinds, m.Kind)
	}
	return kinds
}

func (s *story) ending() schema.Ending {
	require.Len(s.t, s.removed, 1, "an export ends once")
	return s.removed[0].Ending
}

func TestArchiveIsRemovedExactlyADayAfterItIsReady(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.play()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.WindowPassed}, s.ending())
	require.EqualValues(t, 12, s.collected.Load())
	require.Equal(t, []activities.MailKind{activities.RequestMail, activities.ReadyMail}, s.kinds())
}

func TestAnExportReadsTheCategoriesThatItBeganWith(t *testing.T) {
	s := newStory(t)
	s.in.Categories = schema.Categories[:11] // as if there were one more by now
	var opened, read []schema.Category
	s.OnActivity(hands.OpenExport, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.Open) error { opened = in.Categories; return nil })
	var mu sync.Mutex
	s.OnActivity(hands.CollectCategory, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.Collect) error {
			mu.Lock()
			defer mu.Unlock()
			read = append(read, in.Category)
			return nil
		})
	s.tell(time.Hour, workflows.Confirmed)
	s.play()
	require.Equal(t, s.in.Categories, opened)
	require.ElementsMatch(t, s.in.Categories, read)
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
}

func TestOperatorsCallActivitiesByName(t *testing.T) {
	s := newStory(t)
	var mu sync.Mutex
	var ids []string
	s.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, info.ActivityID)
	})
	s.tell(time.Hour, workflows.MailLost)
	s.tell(2*time.Hour, workflows.Confirmed)
	s.play()
	want := []string{"open", "mail-request-1", "mail-request-2", "confirm", "assemble", "verify", "mail-ready-1", "remove"}
	for _, c := range schema.Categories {
		want = append(want, string(c))
	}
	require.ElementsMatch(t, want, ids)
}

func TestConfirmationInTheLastMinuteCounts(t *testing.T) {
	s := newStory(t)
	s.tell(24*time.Hour-time.Minute, workflows.Confirmed)
	s.play()
	require.Equal(t, schema.Expired, s.ending().Status)
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
}

func TestUnconfirmedExportLapsesAfterADay(t *testing.T) {
	s := newStory(t)
	s.play()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.began))
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.Unconfirmed}, s.ending())
	require.Zero(t, s.collected.Load(), "nothing is read without a confirmation")
	require.Equal(t, []activities.MailKind{activities.RequestMail, activities.LapsedMail}, s.kinds())
}

func TestConfirmingTwiceIsConfirmingOnce(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.tell(time.Hour, workflows.Confirmed)
	s.tell(2*time.Hour, workflows.Confirmed)
	s.play()
	s.AssertActivityNumberOfCalls(t, "ConfirmExport", 1)
	require.EqualValues(t, 12, s.collected.Load())
}

func TestSignalForAnotherExportIsNotHeard(t *testing.T) {
	s := newStory(t)
	s.RegisterDelayedCallback(func() {
		s.SignalWorkflow(string(workflows.Confirmed), workflows.Order{Export: schema.NewExportID(), By: "US-by"})
		s.SignalWorkflow(string(workflows.Cancelled), workflows.Order{Export: schema.NewExportID(), By: "US-by"})
	}, time.Hour)
	s.play()
	require.Equal(t, schema.Unconfirmed, s.ending().Reason)
}

func TestConfirmationMailIsSentAgainWithANewLinkAndTheSameWindow(t *testing.T) {
	s := newStory(t)
	s.tell(23*time.Hour, workflows.MailLost)
	s.play()
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.began))
	require.Equal(t, []activities.MailKind{activities.RequestMail, activities.RequestMail, activities.LapsedMail}, s.kinds())
	require.Equal(t, []int{1, 2}, []int{s.mails[0].Generation, s.mails[1].Generation})
}

func TestCooldownHoldsTheDoorUntilADayAfterCompletion(t *testing.T) {
	s := newStory(t)
	s.in.Windows.Download = time.Hour
	var closed time.Time
	s.SetOnTimerFiredListener(func(string) { closed = s.Now() })
	s.tell(time.Hour, workflows.Confirmed)
	s.play()
	require.Equal(t, time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	require.Equal(t, 24*time.Hour, closed.Sub(s.completed.CompletedAt))
}

func TestTheRunsDetailsSayWhenTheNextCanBeAskedFor(t *testing.T) {
	s := newStory(t)
	s.in.Windows.Download = time.Hour
	s.tell(time.Hour, workflows.Confirmed)
	var details string
	s.RegisterDelayedCallback(func() {
		answer, err := s.QueryWorkflow("__temporal_workflow_metadata")
		require.NoError(t, err)
		var told sdkpb.WorkflowMetadata
		require.NoError(t, answer.Get(&told))
		details = told.GetCurrentDetails()
	}, 5*time.Hour)
	s.play()
	require.Equal(t, "Ended: expired. The next can be asked for from 2026-03-02T13:00:00Z on.", details)
}

func TestAWindowThatIsMissingIsTheUsualOne(t *testing.T) {
	for _, windows := range []schema.Windows{{}, {Confirm: -1, Download: -1, Cooldown: -1, Collect: -1}} {
		s := newStory(t)
		s.in.Windows = windows
		s.tell(23*time.Hour, workflows.Confirmed)
		s.play()
		require.NoError(t, s.GetWorkflowError())
		require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	}
}

func TestACategoryThatFailsOnceIsReadAgain(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.CollectCategory, mock.Anything, mock.Anything).Return(errors.New("away")).Once()
	s.play()
	require.EqualValues(t, 12, s.collected.Load())
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
}

func TestACategoryThatKeepsFailingFailsTheExportAndNamesItself(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.CollectCategory, mock.Anything, mock.MatchedBy(func(in activities.Collect) bool { return in.Category == "flows" })).
		Return(temporal.NewNonRetryableApplicationError("no", "no", nil))
	s.play()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, schema.Ending{Status: schema.Failed, Reason: schema.FailedReason("flows"), Category: "flows"}, s.ending())
	require.Equal(t, []activities.MailKind{activities.RequestMail, activities.FailedMail}, s.kinds())
	require.Equal(t, time.Hour, s.Now().Sub(s.began), "a failed export leaves the account free")
}

func TestPatienceWithACategoryIsBounded(t *testing.T) {
	s := newStory(t)
	s.in.Windows.Collect = 2 * time.Hour
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.CollectCategory, mock.Anything, mock.MatchedBy(func(in activities.Collect) bool { return in.Category == "calls" })).
		Return(errors.New("away"))
	s.play()
	require.Equal(t, schema.Category("calls"), s.ending().Category)
	require.LessOrEqual(t, s.removedAt.Sub(s.began), 3*time.Hour+time.Minute)
}

func TestMailTroubleNeitherFailsAnExportNorDelaysItsRemoval(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.SendMail, mock.Anything, mock.MatchedBy(func(m activities.Mail) bool { return m.Kind == activities.ReadyMail })).
		Return(errors.New("provider away for good"))
	s.play()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
}

func TestReadyMailIsTriedThroughTheWindow(t *testing.T) {
	s := newStory(t)
	s.in.Windows.Download = 48 * time.Hour
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.SendMail, mock.Anything, mock.MatchedBy(func(m activities.Mail) bool { return m.Kind == activities.ReadyMail })).
		Return(func(_ context.Context, m activities.Mail) error {
			if s.Now().Before(s.completed.CompletedAt.Add(30 * time.Hour)) {
				// the test environment counts attempts; the next delay keeps them few
				return temporal.NewApplicationErrorWithOptions("away", "mail", temporal.ApplicationErrorOptions{NextRetryDelay: 6 * time.Hour})
			}
			s.mails = append(s.mails, m)
			return nil
		})
	s.play()
	require.Equal(t, []activities.MailKind{activities.RequestMail, activities.ReadyMail}, s.kinds())
}

func TestRemovalNeverGivesUp(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	var tries int
	s.OnActivity(hands.RemoveArchive, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.Remove) error {
		if tries++; tries < 9 { // the test environment itself stops at ten
			return errors.New("S3 is away")
		}
		s.removed, s.removedAt = append(s.removed, in), s.Now()
		return nil
	})
	s.play()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
	require.Equal(t, 9, tries)
}

func TestARefusedOpeningEndsTheRunAndRemovesNothing(t *testing.T) {
	s := newStory(t)
	s.OnActivity(hands.OpenExport, mock.Anything, mock.Anything).
		Return(temporal.NewNonRetryableApplicationError("cooldown", "conflict", nil))
	s.play()
	require.Error(t, s.GetWorkflowError())
	require.Empty(t, s.removed)
	require.Empty(t, s.mails)
}
