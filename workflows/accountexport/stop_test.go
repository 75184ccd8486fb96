package accountexport_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/schema"
	"satchel/workflows"
)

func TestDeletingEarlyRemovesAtOnceAndKeepsTheCooldown(t *testing.T) {
	s := newStory(t)
	var closed time.Time
	s.SetOnTimerFiredListener(func(string) { closed = s.Now() })
	s.tell(time.Hour, workflows.Confirmed)
	s.tell(5*time.Hour, workflows.Removed)
	s.play()
	require.Equal(t, 5*time.Hour, s.removedAt.Sub(s.began))
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.Deleted}, s.ending())
	require.Equal(t, "US-by", s.removed[0].By)
	require.Equal(t, 24*time.Hour, closed.Sub(s.completed.CompletedAt))
}

func TestAnOrderToDeleteBeforeThereIsAFileIsDropped(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.CompleteExport, mock.Anything, mock.Anything).After(10 * time.Minute).Return(func(_ context.Context, in activities.Complete) (activities.Completed, error) {
		s.completed = activities.Completed{CompletedAt: s.Now(), ExpiresAt: s.Now().Add(in.Windows.Download), AvailableAgainAt: s.Now().Add(in.Windows.Cooldown)}
		return s.completed, nil
	})
	s.tell(time.Hour+time.Minute, workflows.Removed)
	s.play()
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	require.Equal(t, activities.Satchel, s.removed[0].By)
}

func TestAnOrderToDeleteCountsAlsoBeforeTheRunKnowsThatThereIsAFile(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.CompleteExport, mock.Anything, mock.Anything).After(10*time.Minute).Return(activities.Completed{}, nil)
	s.RegisterDelayedCallback(func() { // the row says that it is completed
		s.SignalWorkflow(string(workflows.Removed), workflows.Order{Export: s.in.ID, By: "US-by", Seen: schema.Completed})
	}, time.Hour+time.Minute)
	s.play()
	require.Equal(t, schema.Deleted, s.ending().Reason)
	require.Equal(t, "US-by", s.removed[0].By)
}

func TestCancelBeforeConfirmationFreesTheAccountAtOnce(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Cancelled)
	s.play()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, schema.Cancelled, s.ending().Status)
	require.Equal(t, time.Hour, s.Now().Sub(s.began))
	require.Zero(t, s.collected.Load())
}

func TestCancelWhileCollectingRemovesWhatWasWritten(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.CollectCategory, mock.Anything, mock.Anything).After(10 * time.Minute).Return(nil)
	s.tell(time.Hour+time.Minute, workflows.Cancelled)
	s.play()
	require.Equal(t, schema.Cancelled, s.ending().Status)
	s.AssertActivityNotCalled(t, "AssembleArchive", mock.Anything, mock.Anything)
	require.Equal(t, []activities.MailKind{activities.RequestMail}, s.kinds())
}

func TestCancelWhileAssemblingRemovesWhatWasWritten(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.OnActivity(hands.AssembleArchive, mock.Anything, mock.Anything).After(10*time.Minute).Return(activities.Assembled{}, nil)
	s.tell(time.Hour+time.Minute, workflows.Cancelled)
	s.play()
	require.Equal(t, schema.Cancelled, s.ending().Status)
	s.AssertActivityNotCalled(t, "CompleteExport", mock.Anything, mock.Anything)
}

func TestCancelAfterCompletionIsTooLate(t *testing.T) {
	s := newStory(t)
	s.tell(time.Hour, workflows.Confirmed)
	s.tell(3*time.Hour, workflows.Cancelled)
	s.play()
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
}

func TestAnExportThatIsCancelledWhileItOpensMailsNobody(t *testing.T) {
	for name, cancel := range map[string]func(*story){
		"by a person":    func(s *story) { s.tell(time.Second, workflows.Cancelled) },
		"by an operator": func(s *story) { s.RegisterDelayedCallback(s.CancelWorkflow, time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.OnActivity(hands.OpenExport, mock.Anything, mock.Anything).After(time.Minute).Return(nil)
			cancel(s)
			s.play()
			require.NoError(t, s.GetWorkflowError())
			require.Equal(t, schema.Cancelled, s.ending().Status, "the row that was begun is ended")
			require.Empty(t, s.mails)
		})
	}
}

func TestTheTrailSaysWhoEndedAnExport(t *testing.T) {
	for name, c := range map[string]struct {
		tell func(*story)
		want string
	}{
		"time":     {func(s *story) { s.tell(3*time.Hour, workflows.Cancelled) }, activities.Satchel},
		"a person": {func(s *story) { s.tell(3*time.Hour, workflows.Removed) }, "US-by"},
		"an operator": {func(s *story) {
			s.tell(time.Minute, workflows.MailLost)
			s.RegisterDelayedCallback(s.CancelWorkflow, 3*time.Hour)
		}, activities.Operator},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.tell(time.Hour, workflows.Confirmed)
			c.tell(s)
			s.play()
			require.Len(t, s.removed, 1)
			require.Equal(t, c.want, s.removed[0].By)
		})
	}
}

func TestAnOperatorsCancelCleansUpInEveryState(t *testing.T) {
	for name, c := range map[string]struct {
		at   time.Duration
		want schema.Ending
	}{
		"pending":    {30 * time.Minute, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}},
		"processing": {time.Hour + time.Minute, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}},
		"completed":  {3 * time.Hour, schema.Ending{Status: schema.Expired, Reason: schema.Deleted}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.tell(time.Hour, workflows.Confirmed)
			s.OnActivity(hands.CollectCategory, mock.Anything, mock.Anything).After(10 * time.Minute).Return(nil)
			s.RegisterDelayedCallback(s.CancelWorkflow, c.at)
			s.play()
			require.NoError(t, s.GetWorkflowError())
			require.Equal(t, c.want, s.ending())
		})
	}
}
