package accountexport_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"satchel/activities"
	exportactivities "satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows/accountexport"
)

func TestDeletingEarlyRemovesAtOnceAndKeepsTheCooldown(t *testing.T) {
	s := newFixture(t)
	var closed time.Time
	s.SetOnTimerFiredListener(func(string) { closed = s.Now() })
	s.signal(time.Hour, accountexport.Confirmed)
	s.signal(5*time.Hour, accountexport.Removed)
	s.run()
	require.Equal(t, 5*time.Hour, s.removedAt.Sub(s.began))
	require.Equal(t, schema.Ending{Status: schema.Expired, Reason: schema.Deleted}, s.ending())
	require.Equal(t, "US-by", s.removed[0].By)
	require.Equal(t, 24*time.Hour, closed.Sub(s.completed.CompletedAt))
}

func TestARemovalThatWasRequestedBeforeThereIsAnArchiveIsDiscarded(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(a.CompleteExport, mock.Anything, mock.Anything).After(10 * time.Minute).Return(func(_ context.Context, in exportactivities.CompleteExportInput) (exportactivities.CompleteExportResult, error) {
		s.completed = exportactivities.CompleteExportResult{CompletedAt: s.Now(), ExpiresAt: s.Now().Add(in.Windows.Download), AvailableAgainAt: s.Now().Add(in.Windows.Cooldown)}
		return s.completed, nil
	})
	s.signal(time.Hour+time.Minute, accountexport.Removed)
	s.run()
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
	require.Equal(t, 24*time.Hour, s.removedAt.Sub(s.completed.CompletedAt))
	require.Equal(t, activities.Satchel, s.removed[0].By)
}

func TestARemovalCountsAlsoBeforeTheRunKnowsThatTheArchiveIsComplete(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(a.CompleteExport, mock.Anything, mock.Anything).After(10*time.Minute).Return(exportactivities.CompleteExportResult{}, nil)
	s.RegisterDelayedCallback(func() { // the row says that it is completed
		s.SignalWorkflow(string(accountexport.Removed), accountexport.SignalPayload{Export: s.in.ID, By: "US-by", SeenStatus: schema.Completed})
	}, time.Hour+time.Minute)
	s.run()
	require.Equal(t, schema.Deleted, s.ending().Reason)
	require.Equal(t, "US-by", s.removed[0].By)
}

func TestCancelBeforeConfirmationFreesTheAccountAtOnce(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Cancelled)
	s.run()
	require.NoError(t, s.GetWorkflowError())
	require.Equal(t, schema.Cancelled, s.ending().Status)
	require.Equal(t, time.Hour, s.Now().Sub(s.began))
	require.Zero(t, s.collected.Load())
}

func TestCancelWhileCollectingRemovesWhatWasWritten(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(a.CollectCategory, mock.Anything, mock.Anything).After(10 * time.Minute).Return(nil)
	s.signal(time.Hour+time.Minute, accountexport.Cancelled)
	s.run()
	require.Equal(t, schema.Cancelled, s.ending().Status)
	s.AssertActivityNotCalled(t, "AssembleArchive", mock.Anything, mock.Anything)
	require.Equal(t, []activities.EmailKind{exportactivities.RequestEmail}, s.kinds())
}

func TestCancelWhileAssemblingRemovesWhatWasWritten(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.OnActivity(a.AssembleArchive, mock.Anything, mock.Anything).After(10*time.Minute).Return(exportactivities.AssembleArchiveResult{}, nil)
	s.signal(time.Hour+time.Minute, accountexport.Cancelled)
	s.run()
	require.Equal(t, schema.Cancelled, s.ending().Status)
	s.AssertActivityNotCalled(t, "CompleteExport", mock.Anything, mock.Anything)
}

func TestCancelAfterCompletionIsTooLate(t *testing.T) {
	s := newFixture(t)
	s.signal(time.Hour, accountexport.Confirmed)
	s.signal(3*time.Hour, accountexport.Cancelled)
	s.run()
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
}

func TestAnExportThatIsCancelledWhileItOpensSendsNoEmail(t *testing.T) {
	for name, cancel := range map[string]func(*fixture){
		"by a person":    func(s *fixture) { s.signal(time.Second, accountexport.Cancelled) },
		"by an operator": func(s *fixture) { s.RegisterDelayedCallback(s.CancelWorkflow, time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.OnActivity(a.OpenExport, mock.Anything, mock.Anything).After(time.Minute).Return(nil)
			cancel(s)
			s.run()
			require.NoError(t, s.GetWorkflowError())
			require.Equal(t, schema.Cancelled, s.ending().Status, "the row that was begun is ended")
			require.Empty(t, s.mails)
		})
	}
}

func TestTheAuditTrailSaysWhoEndedAnExport(t *testing.T) {
	for name, c := range map[string]struct {
		signal func(*fixture)
		want   string
	}{
		"time":     {func(s *fixture) { s.signal(3*time.Hour, accountexport.Cancelled) }, activities.Satchel},
		"a person": {func(s *fixture) { s.signal(3*time.Hour, accountexport.Removed) }, "US-by"},
		"an operator": {func(s *fixture) {
			s.signal(time.Minute, accountexport.ResendConfirmation)
			s.RegisterDelayedCallback(s.CancelWorkflow, 3*time.Hour)
		}, activities.Operator},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			s.signal(time.Hour, accountexport.Confirmed)
			c.signal(s)
			s.run()
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
			s := newFixture(t)
			s.signal(time.Hour, accountexport.Confirmed)
			s.OnActivity(a.CollectCategory, mock.Anything, mock.Anything).After(10 * time.Minute).Return(nil)
			s.RegisterDelayedCallback(s.CancelWorkflow, c.at)
			s.run()
			require.NoError(t, s.GetWorkflowError())
			require.Equal(t, c.want, s.ending())
		})
	}
}
