package bulkexport_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	bulkactivities "satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
	"satchel/workflows/bulkexport"
	"satchel/workflows/registry"
)

var (
	a      *bulkactivities.Activities
	emails *activities.EmailActivities
)

// fixture runs workflows of bulk exports in the time-skipping test environment.
type fixture struct {
	*testsuite.TestWorkflowEnvironment
	t  *testing.T
	in bulkexport.BulkJobInput

	mu      sync.Mutex
	written []bulkactivities.WriteDayInput
	atOnce  atomic.Int64
	most    atomic.Int64
	end     bulkactivities.EndJobResult
	mails   []activities.SendEmailInput
	sent    []bulkactivities.DeliverWebhookInput
	sentAt  []time.Time
}

func newFixture(t *testing.T) *fixture {
	var suite testsuite.WorkflowTestSuite
	b := &fixture{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	registry.RegisterWorkflows(b)
	b.RegisterActivity(a)
	b.RegisterActivity(emails)
	b.SetStartTime(time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC))
	b.in = bulkexport.BulkJobInput{
		ID: schema.NewJobID(), Account: schema.NewAccountID(), Type: schema.Calls,
		Start: "2026-03-01", End: "2026-03-10", RequestedBy: schema.NewUserID(), Sealed: []byte("sealed"),
	}
	return b
}

// succeed lets every activity succeed of which the test expects nothing else.
func (b *fixture) succeed() {
	b.OnActivity(a.OpenJob, mock.Anything, mock.Anything).Return(bulkactivities.Rejection{}, nil).Maybe()
	b.OnActivity(a.StopJob, mock.Anything, mock.Anything).Return(bulkactivities.Rejection{}, nil).Maybe()
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).Return(b.write).Maybe()
	b.OnActivity(a.MarkDayFailed, mock.Anything, mock.Anything).Return(nil).Maybe()
	b.OnActivity(a.EndJob, mock.Anything, mock.Anything).Return(
		func(context.Context, bulkactivities.EndJobInput) (bulkactivities.EndJobResult, error) {
			return b.end, nil
		}).Maybe()
	b.OnActivity(emails.SendEmail, mock.Anything, mock.Anything).Return(func(_ context.Context, m activities.SendEmailInput) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.mails = append(b.mails, m)
		return nil
	}).Maybe()
	b.OnActivity(a.DeliverWebhook, mock.Anything, mock.Anything).Return(func(_ context.Context, d bulkactivities.DeliverWebhookInput) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sent, b.sentAt = append(b.sent, d), append(b.sentAt, b.Now())
		return nil
	}).Maybe()
	b.OnActivity(a.GiveUpWebhook, mock.Anything, mock.Anything).Return(nil).Maybe()
	b.OnActivity(a.ReopenWebhook, mock.Anything, mock.Anything).Return(nil).Maybe()
}

func (b *fixture) write(_ context.Context, in bulkactivities.WriteDayInput) (bulkactivities.WriteDayResult, error) {
	now := b.atOnce.Add(1)
	defer b.atOnce.Add(-1)
	for most := b.most.Load(); now > most && !b.most.CompareAndSwap(most, now); most = b.most.Load() {
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written = append(b.written, in)
	return bulkactivities.WriteDayResult{Status: schema.DayCompleted, Records: 1}, nil
}

func (b *fixture) days() map[schema.Day]int {
	days := map[schema.Day]int{}
	for _, w := range b.written {
		days[w.Day]++
	}
	return days
}

// update sends an update after a delay and keeps its result.
func (b *fixture) update(after time.Duration, update string, args ...any) *result {
	r := &result{}
	b.RegisterDelayedCallback(func() {
		b.UpdateWorkflow(update, fmt.Sprint(after, args), &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { r.err = err },
			OnComplete: func(got any, err error) {
				r.done, r.at, r.err = true, b.Now(), err
				r.rejection, _ = got.(bulkactivities.Rejection)
			},
		}, args...)
	}, after)
	return r
}

type result struct {
	done      bool
	at        time.Time
	rejection bulkactivities.Rejection
	err       error
}

func (b *fixture) run(wf any, in ...any) error {
	b.succeed()
	b.ExecuteWorkflow(wf, in...)
	require.True(b.t, b.IsWorkflowCompleted())
	return b.GetWorkflowError()
}

func TestAJobWritesEachDayOnceAFewAtATimeAndNotifiesOnce(t *testing.T) {
	b := newFixture(t)
	b.end = bulkactivities.EndJobResult{Event: "e1", Email: true}
	opened := b.update(0, "open")
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	require.True(t, opened.done)
	require.NoError(t, opened.err)
	require.Len(t, b.days(), 10)
	require.Len(t, b.written, 10)
	require.LessOrEqual(t, b.most.Load(), int64(4))
	require.Equal(t, []bulkactivities.DeliverWebhookInput{{Event: "e1", Account: b.in.Account}}, b.sent)
	require.ElementsMatch(t, []activities.EmailKind{bulkactivities.JobRequestedEmail, bulkactivities.JobEndedEmail}, []activities.EmailKind{b.mails[0].Kind, b.mails[1].Kind})
}

func TestARejectedJobSaysWhyAndDoesNothing(t *testing.T) {
	b := newFixture(t)
	no := bulkactivities.Rejection{Kind: schema.Limited, Code: schema.CodeQuota, Message: "no", RetryAfter: time.Hour}
	b.OnActivity(a.OpenJob, mock.Anything, mock.Anything).Return(no, nil)
	opened := b.update(0, "open")
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	require.Equal(t, no, opened.rejection)
	require.Empty(t, b.written)
	require.Empty(t, b.mails)
	b.AssertActivityNotCalled(t, "EndJob", mock.Anything, mock.Anything)
}

func TestAJobWhoseOpeningNeverCameClosesSoonAndDoesNothing(t *testing.T) {
	b := newFixture(t)
	began := b.Now()
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	require.Equal(t, time.Minute, b.Now().Sub(began))
	b.AssertActivityNotCalled(t, "OpenJob", mock.Anything, mock.Anything)
	require.Empty(t, b.written)
}

func TestAStoppedJobBeginsNoMoreDays(t *testing.T) {
	b := newFixture(t)
	b.update(0, "open")
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).After(time.Hour).Return(b.write)
	stopped := b.update(90*time.Minute, "stop", "US-by")
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	require.True(t, stopped.done)
	require.Less(t, len(b.written), 9, "two of three batches at most had begun")
	b.AssertActivityNumberOfCalls(t, "EndJob", 1)
	b.AssertActivityNotCalled(t, "MarkDayFailed", mock.Anything, mock.Anything)
	require.Empty(t, b.sent)
}

func TestADayThatCannotBeWrittenIsFailedAndDoesNotStopTheOthers(t *testing.T) {
	b := newFixture(t)
	b.update(0, "open")
	b.in.Limits.RetryWindow = time.Hour
	b.OnActivity(a.WriteDay, mock.Anything, mock.MatchedBy(func(in bulkactivities.WriteDayInput) bool { return in.Day == "2026-03-04" })).
		Return(bulkactivities.WriteDayResult{}, errors.New("away"))
	failed := []schema.Day{}
	b.OnActivity(a.MarkDayFailed, mock.Anything, mock.Anything).Return(func(_ context.Context, in bulkactivities.MarkDayFailedInput) error {
		failed = append(failed, in.Day)
		return nil
	})
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	require.Len(t, b.days(), 9)
	require.Equal(t, []schema.Day{"2026-03-04"}, failed)
	b.AssertActivityNumberOfCalls(t, "EndJob", 1)
}

func TestAJobsWebhookWaitsForTheOutcomeOfItsEmailAndNotForLong(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{5 * time.Second: 5 * time.Second, time.Hour: 30 * time.Second} {
		b := newFixture(t)
		b.end = bulkactivities.EndJobResult{Event: "e1", Email: true}
		b.update(0, "open")
		b.OnActivity(emails.SendEmail, mock.Anything, mock.MatchedBy(func(in activities.SendEmailInput) bool { return in.Kind == bulkactivities.JobEndedEmail })).
			After(took).Return(temporal.NewNonRetryableApplicationError("rejected", "mail", nil))
		began := b.Now()
		require.NoError(t, b.run(bulkexport.BulkJob, b.in))
		require.Len(t, b.sent, 1)
		require.InDelta(t, want.Seconds(), b.sentAt[0].Sub(began).Seconds(), 3)
	}
}

func TestADayThatIsNotWholeWaitsWithoutUsingItsRetryWindow(t *testing.T) {
	for _, c := range []struct {
		name   string
		behind time.Duration
		failed []schema.Day
	}{
		{"for less than a week", 6 * 24 * time.Hour, nil},
		{"for longer", 30 * 24 * time.Hour, []schema.Day{"2026-03-10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newFixture(t)
			b.SetTestTimeout(time.Minute)
			b.update(0, "open")
			b.in.Limits.RetryWindow = time.Hour
			began := b.Now()
			b.OnActivity(a.WriteDay, mock.Anything, mock.MatchedBy(func(in bulkactivities.WriteDayInput) bool { return in.Day == b.in.End })).
				Return(func(ctx context.Context, in bulkactivities.WriteDayInput) (bulkactivities.WriteDayResult, error) {
					if b.Now().Sub(began) < c.behind {
						return bulkactivities.WriteDayResult{Waits: "the standby is behind"}, nil
					}
					return b.write(ctx, in)
				})
			var failed []schema.Day
			b.OnActivity(a.MarkDayFailed, mock.Anything, mock.Anything).Return(func(_ context.Context, in bulkactivities.MarkDayFailedInput) error {
				failed = append(failed, in.Day)
				return nil
			})
			require.NoError(t, b.run(bulkexport.BulkJob, b.in))
			require.Equal(t, c.failed, failed)
			require.Len(t, b.days(), 10-len(c.failed))
			require.Less(t, b.Now().Sub(began), min(c.behind, 7*24*time.Hour)+11*time.Minute, "it is read soon after it is whole")
		})
	}
}

func TestADayHasOneWriterAtATime(t *testing.T) {
	b := newFixture(t)
	both := func(ctx workflow.Context) error {
		in := bulkexport.DayRebuildInput{Account: b.in.Account, Day: "2026-03-01"}
		one, other := workflow.ExecuteChildWorkflow(ctx, bulkexport.DayRebuild, in), workflow.ExecuteChildWorkflow(ctx, bulkexport.DayRebuild, in)
		return errors.Join(one.Get(ctx, nil), other.Get(ctx, nil))
	}
	b.RegisterWorkflowWithOptions(both, workflow.RegisterOptions{Name: "both"})
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).After(time.Minute).Return(b.write)
	began := b.Now()
	require.NoError(t, b.run("both"))
	require.Len(t, b.written, 2)
	require.GreaterOrEqual(t, b.Now().Sub(began), 2*time.Minute, "one after the other")
}

func (b *fixture) scheduledFor(at time.Time) {
	key := temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")
	require.NoError(b.t, b.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(key.ValueSet(at))))
}

func TestADailyExportIsOfTheDayBeforeItWasScheduledHoweverLateItRuns(t *testing.T) {
	b := newFixture(t)
	b.scheduledFor(time.Date(2026, 3, 8, 0, 15, 0, 0, time.UTC)) // it runs on the 12th
	b.OnActivity(a.RecordDailyResult, mock.Anything, mock.Anything).Return(func(_ context.Context, in bulkactivities.RecordDailyResultInput) (string, error) {
		require.Equal(t, schema.Day("2026-03-07"), in.Day)
		require.Equal(t, schema.DayCompleted, in.Status)
		return "e2", nil
	})
	require.NoError(t, b.run(bulkexport.BulkDaily, bulkexport.BulkDailyInput{Account: b.in.Account, Type: schema.Messages}))
	require.Equal(t, map[schema.Day]int{"2026-03-07": 1}, b.days())
	require.Empty(t, b.written[0].Job)
	require.Len(t, b.sent, 1)
}

func TestASuspendedAccountHasNoDailyExportAndNoWebhook(t *testing.T) {
	b := newFixture(t)
	b.scheduledFor(time.Date(2026, 3, 8, 0, 15, 0, 0, time.UTC))
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).Return(bulkactivities.WriteDayResult{Status: schema.DayDeleted}, nil)
	require.NoError(t, b.run(bulkexport.BulkDaily, bulkexport.BulkDailyInput{Account: b.in.Account, Type: schema.Messages}))
	b.AssertActivityNotCalled(t, "RecordDailyResult", mock.Anything, mock.Anything)
	require.Empty(t, b.sent)
}

func TestADailyExportThatFailsNotifiesTheWebhookAndFailsItsRun(t *testing.T) {
	b := newFixture(t)
	b.scheduledFor(time.Date(2026, 3, 8, 0, 15, 0, 0, time.UTC))
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).Return(bulkactivities.WriteDayResult{}, temporal.NewNonRetryableApplicationError("no", "no", nil))
	b.OnActivity(a.RecordDailyResult, mock.Anything, mock.Anything).Return(func(_ context.Context, in bulkactivities.RecordDailyResultInput) (string, error) {
		require.Equal(t, schema.DayFailed, in.Status)
		return "e3", nil
	})
	require.Error(t, b.run(bulkexport.BulkDaily, bulkexport.BulkDailyInput{Account: b.in.Account, Type: schema.Messages}))
	require.Len(t, b.sent, 1)
}

func TestADailyExportIsRetriedForAWeekAndThenFailed(t *testing.T) {
	for _, c := range []struct {
		away time.Duration
		end  schema.DayStatus
	}{{6 * 24 * time.Hour, schema.DayCompleted}, {30 * 24 * time.Hour, schema.DayFailed}} {
		b := newFixture(t)
		b.scheduledFor(time.Date(2026, 3, 8, 0, 15, 0, 0, time.UTC))
		began := b.Now()
		b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).Return(func(context.Context, bulkactivities.WriteDayInput) (bulkactivities.WriteDayResult, error) {
			if b.Now().Sub(began) < c.away {
				return bulkactivities.WriteDayResult{}, errors.New("away")
			}
			return bulkactivities.WriteDayResult{Status: schema.DayCompleted, Records: 1}, nil
		})
		var recorded schema.DayStatus
		b.OnActivity(a.RecordDailyResult, mock.Anything, mock.Anything).Return(func(_ context.Context, in bulkactivities.RecordDailyResultInput) (string, error) {
			recorded = in.Status
			return "", nil
		})
		err := b.run(bulkexport.BulkDaily, bulkexport.BulkDailyInput{Account: b.in.Account, Type: schema.Messages})
		require.Equal(t, c.end, recorded)
		require.Equal(t, c.end == schema.DayFailed, err != nil, "operators see it")
		took := b.Now().Sub(began)
		require.Greater(t, took, min(c.away, 7*24*time.Hour)-time.Minute)
		require.Less(t, took, min(c.away, 7*24*time.Hour)+time.Hour)
	}
}

func TestAWebhookIsRetriedForADayAndThenMarkedAsGivenUp(t *testing.T) {
	b := newFixture(t)
	began := b.Now()
	tries := 0
	b.OnActivity(a.DeliverWebhook, mock.Anything, mock.Anything).Return(func(context.Context, bulkactivities.DeliverWebhookInput) error {
		tries++ // the test environment stops at ten attempts unless they are far apart
		return temporal.NewApplicationErrorWithOptions("away", "unavailable", temporal.ApplicationErrorOptions{NextRetryDelay: 3 * time.Hour})
	})
	require.Error(t, b.run(bulkexport.WebhookDelivery, bulkexport.WebhookDeliveryInput{Event: "e1", Account: b.in.Account}))
	require.LessOrEqual(t, b.Now().Sub(began), 24*time.Hour+time.Minute)
	require.Greater(t, tries, 5)
	b.AssertActivityNumberOfCalls(t, "GiveUpWebhook", 1)
}

func TestAWebhookThatIsResentIsReopened(t *testing.T) {
	b := newFixture(t)
	require.NoError(t, b.run(bulkexport.WebhookDelivery, bulkexport.WebhookDeliveryInput{Event: "e1", Account: b.in.Account, Resend: true}))
	b.AssertActivityNumberOfCalls(t, "ReopenWebhook", 1)
	require.Len(t, b.sent, 1)
}

func TestErasingSaysWhetherItIsRecorded(t *testing.T) {
	no := bulkactivities.Rejection{Kind: schema.Forbidden, Code: schema.CodeNoArchive, Message: "no"}
	for _, rejection := range []bulkactivities.Rejection{{}, no} {
		b := newFixture(t)
		in := bulkexport.CallErasureInput{Account: b.in.Account, By: "US-by", Calls: []schema.Erasure{{Call: "CA1", Day: "2026-03-01"}}}
		b.OnActivity(a.EraseCalls, mock.Anything, bulkactivities.EraseCallsInput{Account: in.Account, By: in.By, Calls: in.Calls}).Return(rejection, nil).Once()
		require.NoError(t, b.run(bulkexport.CallErasure, in))
		var got bulkactivities.Rejection
		require.NoError(t, b.GetWorkflowResult(&got))
		require.Equal(t, rejection, got)
	}
}

func TestNoErasureWaitsBehindTheSearchOfAFile(t *testing.T) {
	b := newFixture(t)
	queues := map[string]string{}
	on := func(ctx context.Context, step string) { queues[step] = activity.GetInfo(ctx).TaskQueue }
	b.OnActivity(a.FindCallInFile, mock.Anything, mock.Anything).Return(func(ctx context.Context, _ bulkactivities.FindCallInFileInput) (bulkactivities.Rejection, error) {
		on(ctx, "search")
		return bulkactivities.Rejection{}, nil
	})
	b.OnActivity(a.EraseCalls, mock.Anything, mock.Anything).Return(func(ctx context.Context, _ bulkactivities.EraseCallsInput) (bulkactivities.Rejection, error) {
		on(ctx, "erase")
		return bulkactivities.Rejection{}, nil
	})
	require.NoError(t, b.run(bulkexport.CallErasure, bulkexport.CallErasureInput{Account: b.in.Account, Calls: []schema.Erasure{{Call: "CA1", Day: "2026-03-01"}}, Gone: true}))
	require.Equal(t, map[string]string{"search": workflows.DayQueue, "erase": workflows.ArchiveQueue}, queues)
}

func TestACallThatCouldNotBeRecordedIsNotReportedAsErased(t *testing.T) {
	b := newFixture(t)
	began := b.Now()
	b.OnActivity(a.EraseCalls, mock.Anything, mock.Anything).Return(bulkactivities.Rejection{}, errors.New("away"))
	require.Error(t, b.run(bulkexport.CallErasure, bulkexport.CallErasureInput{Account: b.in.Account}))
	require.LessOrEqual(t, b.Now().Sub(began), bulkexport.UpdateTimeout, "its caller still waits")
}

func TestARebuildIsRetriedUntilItSucceeds(t *testing.T) {
	b := newFixture(t)
	tries := 0
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).Return(func(ctx context.Context, in bulkactivities.WriteDayInput) (bulkactivities.WriteDayResult, error) {
		if tries++; tries < 4 {
			return bulkactivities.WriteDayResult{}, temporal.NewNonRetryableApplicationError("no", "no", nil)
		}
		return b.write(ctx, in)
	})
	in := bulkexport.DayRebuildInput{Account: b.in.Account, Day: "2026-03-01"}
	require.NoError(t, b.run(bulkexport.DayRebuild, in))
	require.Equal(t, 4, tries)
	require.Len(t, b.written, 1)
	require.Equal(t, []any{in.Account, schema.Calls, in.Day, true}, []any{b.written[0].Account, b.written[0].Type, b.written[0].Day, b.written[0].Rebuild})
}

func TestARebuildThatFailsForLongContinuesAsNew(t *testing.T) {
	b := newFixture(t)
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).Return(func(context.Context, bulkactivities.WriteDayInput) (bulkactivities.WriteDayResult, error) {
		b.SetContinueAsNewSuggested(true)
		return bulkactivities.WriteDayResult{}, temporal.NewNonRetryableApplicationError("no", "no", nil)
	})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, b.run(bulkexport.DayRebuild, bulkexport.DayRebuildInput{Account: b.in.Account, Day: "2026-03-01"}), &next)
}

func TestChangesOfAConfigurationAreMadeOneAfterTheOther(t *testing.T) {
	b := newFixture(t)
	b.OnActivity(a.ConfigureBulk, mock.Anything, mock.Anything).After(time.Second).Return(func(_ context.Context, in bulkactivities.ConfigureBulkInput) (bulkactivities.Rejection, error) {
		require.EqualValues(t, 1, b.atOnce.Add(1))
		defer b.atOnce.Add(-1)
		if string(in.Sealed) == "bad" {
			return bulkactivities.Rejection{Kind: schema.Invalid, Message: "half a webhook"}, nil
		}
		return bulkactivities.Rejection{}, nil
	})
	first, second := b.update(0, "change", bulkexport.Change{Sealed: []byte("good"), By: "US-by"}), b.update(time.Millisecond, "change", bulkexport.Change{Sealed: []byte("bad"), By: "US-by"})
	require.NoError(t, b.run(bulkexport.BulkConfiguration, bulkexport.BulkConfigurationInput{Account: b.in.Account, Type: schema.Calls}))
	require.NoError(t, first.rejection.Err())
	require.Equal(t, schema.Invalid, schema.KindOf(second.rejection.Err()))
}

func TestAChangeThatMayBeHalfWrittenIsSettled(t *testing.T) {
	b := newFixture(t)
	var settled []bulkactivities.ConfigureBulkInput
	b.OnActivity(a.ConfigureBulk, mock.Anything, mock.Anything).Return(func(_ context.Context, in bulkactivities.ConfigureBulkInput) (bulkactivities.Rejection, error) {
		if in.Sealed != nil {
			return bulkactivities.Rejection{}, errors.New("the schedule is away")
		}
		settled = append(settled, in)
		return bulkactivities.Rejection{}, nil
	})
	change := b.update(0, "change", bulkexport.Change{Sealed: []byte("good"), By: "US-by"})
	require.NoError(t, b.run(bulkexport.BulkConfiguration, bulkexport.BulkConfigurationInput{Account: b.in.Account, Type: schema.Calls}))
	require.Error(t, change.err)
	require.Equal(t, []bulkactivities.ConfigureBulkInput{{Account: b.in.Account, Type: schema.Calls}}, settled)
}

func TestWaitingForAnotherWriterLeavesRoomInTheHistory(t *testing.T) {
	b := newFixture(t)
	b.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		in := bulkexport.DayRebuildInput{Account: b.in.Account, Day: "2026-03-01"}
		one, other := workflow.ExecuteChildWorkflow(ctx, bulkexport.DayRebuild, in), workflow.ExecuteChildWorkflow(ctx, bulkexport.DayRebuild, in)
		return errors.Join(one.Get(ctx, nil), other.Get(ctx, nil))
	}, workflow.RegisterOptions{Name: "both"})
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).After(10 * time.Hour).Return(b.write)
	waits := 0
	b.SetOnTimerScheduledListener(func(string, time.Duration) { waits++ })
	require.NoError(t, b.run("both"))
	require.Len(t, b.written, 2)
	require.Less(t, waits, 100)
}

func TestAJobThatWasOpenedUnseenIsNotTakenBack(t *testing.T) {
	b := newFixture(t)
	attempts := 0
	b.OnActivity(a.OpenJob, mock.Anything, mock.Anything).Return(func(context.Context, bulkactivities.OpenJobInput) (bulkactivities.Rejection, error) {
		if attempts++; attempts < 4 { // the database is away for an hour after it was written
			return bulkactivities.Rejection{}, temporal.NewApplicationErrorWithOptions("lost", "lost", temporal.ApplicationErrorOptions{NextRetryDelay: 20 * time.Minute})
		}
		return bulkactivities.Rejection{}, nil
	})
	began := b.Now()
	opened := b.update(0, "open")
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	require.NoError(t, opened.err)
	require.Greater(t, opened.at.Sub(began), bulkexport.UpdateTimeout)
	require.Len(t, b.written, 10)
	b.AssertActivityNotCalled(t, "StopJob", mock.Anything, mock.Anything)
}

func TestARunThatIsCancelledWhileItOpensItsJobEndsIt(t *testing.T) {
	b := newFixture(t)
	b.OnActivity(a.OpenJob, mock.Anything, mock.Anything).After(10*time.Second).Return(bulkactivities.Rejection{}, nil)
	b.update(0, "open")
	b.RegisterDelayedCallback(b.CancelWorkflow, 5*time.Second)
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	b.AssertActivityNumberOfCalls(t, "EndJob", 1)
	require.Empty(t, b.written)
}

func TestAJobIsOpenedOnceHoweverManyUpdatesComeIn(t *testing.T) {
	b := newFixture(t)
	b.OnActivity(a.OpenJob, mock.Anything, mock.Anything).After(time.Second).Return(bulkactivities.Rejection{}, nil)
	both := []*result{b.update(0, "open"), b.update(time.Millisecond, "open")}
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	for _, r := range both {
		require.True(t, r.done)
		require.NoError(t, r.err)
	}
	b.AssertActivityNumberOfCalls(t, "OpenJob", 1)
}

// A day may wait in a queue, or for a worker that is away, for as long as files are kept.
func TestWaitingForAWorkerUsesNoneOfTheRetryWindowOfADay(t *testing.T) {
	b := newFixture(t)
	b.in.End = b.in.Start.Plus(5)
	b.OnActivity(a.WriteDay, mock.Anything, mock.MatchedBy(func(in bulkactivities.WriteDayInput) bool { return in.Day == b.in.Start })).
		Return(bulkactivities.WriteDayResult{}, temporal.NewNonRetryableApplicationError("no", "no", nil)) // others are not waited for as long
	var waits, takes []time.Duration
	b.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == "WriteDay" {
			b.mu.Lock()
			defer b.mu.Unlock()
			waits, takes = append(waits, info.ScheduleToCloseTimeout), append(takes, info.StartToCloseTimeout)
		}
	})
	b.update(0, "open")
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	require.Len(t, b.written, 5)
	require.Len(t, waits, 6)
	require.Greater(t, slices.Min(waits), 7*24*time.Hour)
	require.GreaterOrEqual(t, slices.Min(takes), 12*time.Hour, "a large day takes its time")
}

func TestAfterAFailedDayTheOthersAreRetriedForLess(t *testing.T) {
	b := newFixture(t)
	b.update(0, "open")
	b.OnActivity(a.WriteDay, mock.Anything, mock.Anything).Return(bulkactivities.WriteDayResult{}, errors.New("away"))
	began := b.Now()
	require.NoError(t, b.run(bulkexport.BulkJob, b.in))
	b.AssertActivityNumberOfCalls(t, "MarkDayFailed", 10)
	require.GreaterOrEqual(t, b.Now().Sub(began), 12*time.Hour, "half a day for the first, minutes for the others")
	require.Less(t, b.Now().Sub(began), 13*time.Hour)
}
