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
	"satchel/schema"
	"satchel/workflows"
)

// bulk is bulk exports in a world where time passes in a moment.
type bulk struct {
	*testsuite.TestWorkflowEnvironment
	t  *testing.T
	in workflows.Job

	mu      sync.Mutex
	written []activities.WriteDay
	atOnce  atomic.Int64
	most    atomic.Int64
	end     activities.JobEnd
	mails   []activities.JobMail
	sent    []activities.Deliver
	sentAt  []time.Time
}

func newBulk(t *testing.T) *bulk {
	var suite testsuite.WorkflowTestSuite
	b := &bulk{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	workflows.Register(b)
	b.RegisterActivity(hands)
	b.SetStartTime(time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC))
	b.in = workflows.Job{
		ID: schema.NewJobID(), Account: schema.NewAccountID(), Type: schema.Calls,
		Start: "2026-03-01", End: "2026-03-10", RequestedBy: schema.NewUserID(), Sealed: []byte("sealed"),
	}
	return b
}

// good answers every activity that no test has answered as on a good day.
func (b *bulk) good() {
	b.OnActivity(hands.OpenJob, mock.Anything, mock.Anything).Return(activities.Refusal{}, nil).Maybe()
	b.OnActivity(hands.StopJob, mock.Anything, mock.Anything).Return(activities.Refusal{}, nil).Maybe()
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).Return(b.write).Maybe()
	b.OnActivity(hands.FailDay, mock.Anything, mock.Anything).Return(nil).Maybe()
	b.OnActivity(hands.EndJob, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.EndJob) (activities.JobEnd, error) { return b.end, nil }).Maybe()
	b.OnActivity(hands.SendJobMail, mock.Anything, mock.Anything).Return(func(_ context.Context, m activities.JobMail) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.mails = append(b.mails, m)
		return nil
	}).Maybe()
	b.OnActivity(hands.DeliverWebhook, mock.Anything, mock.Anything).Return(func(_ context.Context, d activities.Deliver) error {
		b.sent, b.sentAt = append(b.sent, d), append(b.sentAt, b.Now())
		return nil
	}).Maybe()
	b.OnActivity(hands.GiveUpWebhook, mock.Anything, mock.Anything).Return(nil).Maybe()
	b.OnActivity(hands.ReopenEvent, mock.Anything, mock.Anything).Return(nil).Maybe()
}

func (b *bulk) write(_ context.Context, in activities.WriteDay) (activities.WrittenDay, error) {
	now := b.atOnce.Add(1)
	defer b.atOnce.Add(-1)
	for most := b.most.Load(); now > most && !b.most.CompareAndSwap(most, now); most = b.most.Load() {
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written = append(b.written, in)
	return activities.WrittenDay{Status: schema.DayCompleted, Records: 1}, nil
}

func (b *bulk) days() map[schema.Day]int {
	days := map[schema.Day]int{}
	for _, w := range b.written {
		days[w.Day]++
	}
	return days
}

// ask sends an update after a while and keeps its answer.
func (b *bulk) ask(after time.Duration, update string, args ...any) *answer {
	a := &answer{}
	b.RegisterDelayedCallback(func() {
		b.UpdateWorkflow(update, fmt.Sprint(after, args), &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { a.err = err },
			OnComplete: func(got any, err error) {
				a.done, a.at, a.err = true, b.Now(), err
				a.refusal, _ = got.(activities.Refusal)
			},
		}, args...)
	}, after)
	return a
}

type answer struct {
	done    bool
	at      time.Time
	refusal activities.Refusal
	err     error
}

func (b *bulk) play(story any, in ...any) error {
	b.good()
	b.ExecuteWorkflow(story, in...)
	require.True(b.t, b.IsWorkflowCompleted())
	return b.GetWorkflowError()
}

func TestAJobWritesEachDayOnceAFewAtATimeAndTellsOfItOnce(t *testing.T) {
	b := newBulk(t)
	b.end = activities.JobEnd{Event: "e1", Mail: true}
	opened := b.ask(0, "open")
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	require.True(t, opened.done)
	require.NoError(t, opened.err)
	require.Len(t, b.days(), 10)
	require.Len(t, b.written, 10)
	require.LessOrEqual(t, b.most.Load(), int64(4))
	require.Equal(t, []activities.Deliver{{Event: "e1"}}, b.sent)
	require.ElementsMatch(t, []activities.MailKind{activities.JobRequestedMail, activities.JobEndedMail}, []activities.MailKind{b.mails[0].Kind, b.mails[1].Kind})
}

func TestARefusedJobSaysWhyAndDoesNothing(t *testing.T) {
	b := newBulk(t)
	no := activities.Refusal{Kind: schema.Limited, Code: "quota", Message: "no", RetryAfter: time.Hour}
	b.OnActivity(hands.OpenJob, mock.Anything, mock.Anything).Return(no, nil)
	opened := b.ask(0, "open")
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	require.Equal(t, no, opened.refusal)
	require.Empty(t, b.written)
	require.Empty(t, b.mails)
	b.AssertActivityNotCalled(t, "EndJob", mock.Anything, mock.Anything)
}

func TestAJobWhoseOpeningNeverCameClosesSoonAndDoesNothing(t *testing.T) {
	b := newBulk(t)
	began := b.Now()
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	require.Equal(t, time.Minute, b.Now().Sub(began))
	b.AssertActivityNotCalled(t, "OpenJob", mock.Anything, mock.Anything)
	require.Empty(t, b.written)
}

func TestAStoppedJobBeginsNoMoreDays(t *testing.T) {
	b := newBulk(t)
	b.ask(0, "open")
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).After(time.Hour).Return(b.write)
	stopped := b.ask(90*time.Minute, "stop", "US-by")
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	require.True(t, stopped.done)
	require.Less(t, len(b.written), 9, "two of three batches at most had begun")
	b.AssertActivityNumberOfCalls(t, "EndJob", 1)
	b.AssertActivityNotCalled(t, "FailDay", mock.Anything, mock.Anything)
	require.Empty(t, b.sent)
}

func TestADayThatCannotBeWrittenIsFailedAndKeepsNoOther(t *testing.T) {
	b := newBulk(t)
	b.ask(0, "open")
	b.in.Limits.Patience = time.Hour
	b.OnActivity(hands.WriteDay, mock.Anything, mock.MatchedBy(func(in activities.WriteDay) bool { return in.Day == "2026-03-04" })).
		Return(activities.WrittenDay{}, errors.New("away"))
	failed := []schema.Day{}
	b.OnActivity(hands.FailDay, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.FailDay) error {
		failed = append(failed, in.Day)
		return nil
	})
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	require.Len(t, b.days(), 9)
	require.Equal(t, []schema.Day{"2026-03-04"}, failed)
	b.AssertActivityNumberOfCalls(t, "EndJob", 1)
}

func TestADayHasOneWriterAtATime(t *testing.T) {
	b := newBulk(t)
	both := func(ctx workflow.Context) error {
		in := workflows.Rebuild{Account: b.in.Account, Day: "2026-03-01"}
		one, other := workflow.ExecuteChildWorkflow(ctx, workflows.RebuildDay, in), workflow.ExecuteChildWorkflow(ctx, workflows.RebuildDay, in)
		return errors.Join(one.Get(ctx, nil), other.Get(ctx, nil))
	}
	b.RegisterWorkflowWithOptions(both, workflow.RegisterOptions{Name: "both"})
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).After(time.Minute).Return(b.write)
	began := b.Now()
	require.NoError(t, b.play("both"))
	require.Len(t, b.written, 2)
	require.GreaterOrEqual(t, b.Now().Sub(began), 2*time.Minute, "one after the other")
}

func (b *bulk) scheduledFor(at time.Time) {
	key := temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")
	require.NoError(b.t, b.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(key.ValueSet(at))))
}

func TestADailyExportIsOfTheDayBeforeItWasScheduledHoweverLateItRuns(t *testing.T) {
	b := newBulk(t)
	b.scheduledFor(time.Date(2026, 3, 8, 0, 15, 0, 0, time.UTC)) // it runs on the 12th
	b.OnActivity(hands.TellDaily, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.DailyEnd) (string, error) {
		require.Equal(t, schema.Day("2026-03-07"), in.Day)
		require.Equal(t, schema.DayCompleted, in.Status)
		return "e2", nil
	})
	require.NoError(t, b.play(workflows.BulkDaily, workflows.Daily{Account: b.in.Account, Type: schema.Messages}))
	require.Equal(t, map[schema.Day]int{"2026-03-07": 1}, b.days())
	require.Empty(t, b.written[0].Job)
	require.Len(t, b.sent, 1)
}

func TestOfASuspendedAccountNothingIsExportedAndNobodyIsTold(t *testing.T) {
	b := newBulk(t)
	b.scheduledFor(time.Date(2026, 3, 8, 0, 15, 0, 0, time.UTC))
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).Return(activities.WrittenDay{Status: schema.DayDeleted}, nil)
	require.NoError(t, b.play(workflows.BulkDaily, workflows.Daily{Account: b.in.Account, Type: schema.Messages}))
	b.AssertActivityNotCalled(t, "TellDaily", mock.Anything, mock.Anything)
	require.Empty(t, b.sent)
}

func TestADailyExportThatFailsSaysSoToTheWebhookAndToOperators(t *testing.T) {
	b := newBulk(t)
	b.scheduledFor(time.Date(2026, 3, 8, 0, 15, 0, 0, time.UTC))
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).Return(activities.WrittenDay{}, temporal.NewNonRetryableApplicationError("no", "no", nil))
	b.OnActivity(hands.TellDaily, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.DailyEnd) (string, error) {
		require.Equal(t, schema.DayFailed, in.Status)
		return "e3", nil
	})
	require.Error(t, b.play(workflows.BulkDaily, workflows.Daily{Account: b.in.Account, Type: schema.Messages}))
	require.Len(t, b.sent, 1)
}

func TestADailyExportThatKeepsFailingIsMadeUpForWithinAWeekAndThenGivenUp(t *testing.T) {
	for _, c := range []struct {
		away time.Duration
		end  schema.DayStatus
	}{{6 * 24 * time.Hour, schema.DayCompleted}, {30 * 24 * time.Hour, schema.DayFailed}} {
		b := newBulk(t)
		b.scheduledFor(time.Date(2026, 3, 8, 0, 15, 0, 0, time.UTC))
		began := b.Now()
		b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).Return(func(context.Context, activities.WriteDay) (activities.WrittenDay, error) {
			if b.Now().Sub(began) < c.away {
				return activities.WrittenDay{}, errors.New("away")
			}
			return activities.WrittenDay{Status: schema.DayCompleted, Records: 1}, nil
		})
		var told schema.DayStatus
		b.OnActivity(hands.TellDaily, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.DailyEnd) (string, error) {
			told = in.Status
			return "", nil
		})
		err := b.play(workflows.BulkDaily, workflows.Daily{Account: b.in.Account, Type: schema.Messages})
		require.Equal(t, c.end, told)
		require.Equal(t, c.end == schema.DayFailed, err != nil, "operators see it")
		took := b.Now().Sub(began)
		require.Greater(t, took, min(c.away, 7*24*time.Hour)-time.Minute)
		require.Less(t, took, min(c.away, 7*24*time.Hour)+time.Hour)
	}
}

func TestAWebhookIsTriedForADayAndThenGivenUpVisibly(t *testing.T) {
	b := newBulk(t)
	began := b.Now()
	tries := 0
	b.OnActivity(hands.DeliverWebhook, mock.Anything, mock.Anything).Return(func(context.Context, activities.Deliver) error {
		tries++ // the test environment stops at ten attempts unless they are far apart
		return temporal.NewApplicationErrorWithOptions("away", "unavailable", temporal.ApplicationErrorOptions{NextRetryDelay: 3 * time.Hour})
	})
	require.Error(t, b.play(workflows.Webhook, workflows.Event{ID: "e1", Account: b.in.Account}))
	require.LessOrEqual(t, b.Now().Sub(began), 24*time.Hour+time.Minute)
	require.Greater(t, tries, 5)
	b.AssertActivityNumberOfCalls(t, "GiveUpWebhook", 1)
}

func TestAWebhookThatIsWantedAgainIsOpenedAgain(t *testing.T) {
	b := newBulk(t)
	require.NoError(t, b.play(workflows.Webhook, workflows.Event{ID: "e1", Account: b.in.Account, Again: true}))
	b.AssertActivityNumberOfCalls(t, "ReopenEvent", 1)
	require.Len(t, b.sent, 1)
}

func TestErasingSaysWhetherItIsNoted(t *testing.T) {
	no := activities.Refusal{Kind: schema.Forbidden, Code: "no_archive", Message: "no"}
	for _, refusal := range []activities.Refusal{{}, no} {
		b := newBulk(t)
		in := activities.Erase{Account: b.in.Account, By: "US-by", Calls: []schema.Erasure{{Call: "CA1", Day: "2026-03-01"}}}
		b.OnActivity(hands.EraseCalls, mock.Anything, in).Return(refusal, nil).Once()
		require.NoError(t, b.play(workflows.EraseCalls, in))
		var got activities.Refusal
		require.NoError(t, b.GetWorkflowResult(&got))
		require.Equal(t, refusal, got)
	}
}

func TestACallThatCouldNotBeNotedIsNotSaidToBeGone(t *testing.T) {
	b := newBulk(t)
	began := b.Now()
	b.OnActivity(hands.EraseCalls, mock.Anything, mock.Anything).Return(activities.Refusal{}, errors.New("away"))
	require.Error(t, b.play(workflows.EraseCalls, activities.Erase{Account: b.in.Account}))
	require.LessOrEqual(t, b.Now().Sub(began), workflows.AnswerWithin, "its caller hears of it")
}

func TestAFileThatCannotBeMadeAgainIsTriedUntilItCan(t *testing.T) {
	b := newBulk(t)
	tries := 0
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).Return(func(ctx context.Context, in activities.WriteDay) (activities.WrittenDay, error) {
		if tries++; tries < 4 {
			return activities.WrittenDay{}, temporal.NewNonRetryableApplicationError("no", "no", nil)
		}
		return b.write(ctx, in)
	})
	in := workflows.Rebuild{Account: b.in.Account, Day: "2026-03-01"}
	require.NoError(t, b.play(workflows.RebuildDay, in))
	require.Equal(t, 4, tries)
	require.Len(t, b.written, 1)
	require.Equal(t, []any{in.Account, schema.Calls, in.Day, true}, []any{b.written[0].Account, b.written[0].Type, b.written[0].Day, b.written[0].Again})
}

func TestAFileThatCannotBeMadeAgainForLongLeavesRoomInTheHistory(t *testing.T) {
	b := newBulk(t)
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).Return(func(context.Context, activities.WriteDay) (activities.WrittenDay, error) {
		b.SetContinueAsNewSuggested(true)
		return activities.WrittenDay{}, temporal.NewNonRetryableApplicationError("no", "no", nil)
	})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, b.play(workflows.RebuildDay, workflows.Rebuild{Account: b.in.Account, Day: "2026-03-01"}), &next)
}

func TestChangesOfAConfigurationAreMadeOneAfterTheOther(t *testing.T) {
	b := newBulk(t)
	b.OnActivity(hands.ConfigureBulk, mock.Anything, mock.Anything).After(time.Second).Return(func(_ context.Context, in activities.ConfigureBulk) (activities.Refusal, error) {
		require.EqualValues(t, 1, b.atOnce.Add(1))
		defer b.atOnce.Add(-1)
		if string(in.Sealed) == "bad" {
			return activities.Refusal{Kind: schema.Invalid, Message: "half a webhook"}, nil
		}
		return activities.Refusal{}, nil
	})
	first, second := b.ask(0, "change", workflows.Change{Sealed: []byte("good"), By: "US-by"}), b.ask(time.Millisecond, "change", workflows.Change{Sealed: []byte("bad"), By: "US-by"})
	require.NoError(t, b.play(workflows.BulkConfiguration, workflows.Configuring{Account: b.in.Account, Type: schema.Calls}))
	require.NoError(t, first.refusal.Err())
	require.Equal(t, schema.Invalid, schema.KindOf(second.refusal.Err()))
}

func TestTheSweepTellsWhatNobodyTellsThoughFilesCannotBeSwept(t *testing.T) {
	b := newBulk(t)
	b.OnActivity(hands.EndLostJobs, mock.Anything, mock.Anything).Return(activities.Untold{
		Jobs: 1, Events: []activities.UntoldEvent{{Event: "e1", Account: b.in.Account}},
		Mails: []activities.JobMail{{Job: b.in.ID, Account: b.in.Account, Kind: activities.JobEndedMail}},
	}, nil)
	b.OnActivity(hands.SweepBulk, mock.Anything, mock.Anything).Return(activities.SweptBulk{}, temporal.NewNonRetryableApplicationError("away", "storage", nil))
	require.Error(t, b.play(workflows.SweepBulk, workflows.SweepingBulk{Sweeping: workflows.Sweeping{Grace: time.Minute}}))
	require.Equal(t, []activities.Deliver{{Event: "e1"}}, b.sent)
	require.Equal(t, activities.JobEndedMail, b.mails[0].Kind)
	require.Len(t, b.mails, 1)
}

func TestASweepThatLeavesADayFileBehindIsSeenToFail(t *testing.T) {
	for stuck, fails := range map[int]bool{0: false, 2: true} {
		b := newBulk(t)
		b.OnActivity(hands.EndLostJobs, mock.Anything, mock.Anything).Return(activities.Untold{}, nil)
		b.OnActivity(hands.SweepBulk, mock.Anything, mock.Anything).Return(activities.SweptBulk{Expired: 3, Stuck: stuck}, nil)
		err := b.play(workflows.SweepBulk, workflows.SweepingBulk{Sweeping: workflows.Sweeping{Grace: time.Minute}})
		require.Equal(t, fails, err != nil)
	}
}

func TestAChangeThatMayHaveBeenWrittenDownHalfIsSettled(t *testing.T) {
	b := newBulk(t)
	var settled []activities.ConfigureBulk
	b.OnActivity(hands.ConfigureBulk, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.ConfigureBulk) (activities.Refusal, error) {
		if in.Sealed != nil {
			return activities.Refusal{}, errors.New("the schedule is away")
		}
		settled = append(settled, in)
		return activities.Refusal{}, nil
	})
	a := b.ask(0, "change", workflows.Change{Sealed: []byte("good"), By: "US-by"})
	require.NoError(t, b.play(workflows.BulkConfiguration, workflows.Configuring{Account: b.in.Account, Type: schema.Calls}))
	require.Error(t, a.err)
	require.Equal(t, []activities.ConfigureBulk{{Account: b.in.Account, Type: schema.Calls}}, settled)
}

func TestWaitingForAnotherWriterLeavesRoomInTheHistory(t *testing.T) {
	b := newBulk(t)
	b.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		in := workflows.Rebuild{Account: b.in.Account, Day: "2026-03-01"}
		one, other := workflow.ExecuteChildWorkflow(ctx, workflows.RebuildDay, in), workflow.ExecuteChildWorkflow(ctx, workflows.RebuildDay, in)
		return errors.Join(one.Get(ctx, nil), other.Get(ctx, nil))
	}, workflow.RegisterOptions{Name: "both"})
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).After(10 * time.Hour).Return(b.write)
	waits := 0
	b.SetOnTimerScheduledListener(func(string, time.Duration) { waits++ })
	require.NoError(t, b.play("both"))
	require.Len(t, b.written, 2)
	require.Less(t, waits, 100)
}

func TestAJobThatWasOpenedUnseenIsNotTakenBack(t *testing.T) {
	b := newBulk(t)
	attempts := 0
	b.OnActivity(hands.OpenJob, mock.Anything, mock.Anything).Return(func(context.Context, activities.OpenJob) (activities.Refusal, error) {
		if attempts++; attempts < 4 { // the database is away for an hour after it was written
			return activities.Refusal{}, temporal.NewApplicationErrorWithOptions("lost", "lost", temporal.ApplicationErrorOptions{NextRetryDelay: 20 * time.Minute})
		}
		return activities.Refusal{}, nil
	})
	began := b.Now()
	opened := b.ask(0, "open")
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	require.NoError(t, opened.err)
	require.Greater(t, opened.at.Sub(began), workflows.AnswerWithin)
	require.Len(t, b.written, 10)
	b.AssertActivityNotCalled(t, "StopJob", mock.Anything, mock.Anything)
}

func TestARunThatIsCancelledWhileItOpensItsJobEndsIt(t *testing.T) {
	b := newBulk(t)
	b.OnActivity(hands.OpenJob, mock.Anything, mock.Anything).After(10*time.Second).Return(activities.Refusal{}, nil)
	b.ask(0, "open")
	b.RegisterDelayedCallback(b.CancelWorkflow, 5*time.Second)
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	b.AssertActivityNumberOfCalls(t, "EndJob", 1)
	require.Empty(t, b.written)
}

func TestAJobIsOpenedOnceHoweverOftenItIsAsked(t *testing.T) {
	b := newBulk(t)
	b.OnActivity(hands.OpenJob, mock.Anything, mock.Anything).After(time.Second).Return(activities.Refusal{}, nil)
	both := []*answer{b.ask(0, "open"), b.ask(time.Millisecond, "open")}
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	for _, a := range both {
		require.True(t, a.done)
		require.NoError(t, a.err)
	}
	b.AssertActivityNumberOfCalls(t, "OpenJob", 1)
}

func TestAnAnswerIsNotWaitedForLongerThanItsCallerIsThere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	require.LessOrEqual(t, workflows.Waiting(ctx), 2*time.Second)
	require.Equal(t, workflows.AnswerWithin, workflows.Waiting(t.Context()))
}

// A day may wait in a queue, or for a worker that is away, for as long as files are kept.
func TestWaitingForAWorkerUsesUpNoPatienceWithADay(t *testing.T) {
	b := newBulk(t)
	b.in.End = b.in.Start.Plus(5)
	b.OnActivity(hands.WriteDay, mock.Anything, mock.MatchedBy(func(in activities.WriteDay) bool { return in.Day == b.in.Start })).
		Return(activities.WrittenDay{}, temporal.NewNonRetryableApplicationError("no", "no", nil)) // others are not waited for as long
	var waits, takes []time.Duration
	b.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == "WriteDay" {
			b.mu.Lock()
			defer b.mu.Unlock()
			waits, takes = append(waits, info.ScheduleToCloseTimeout), append(takes, info.StartToCloseTimeout)
		}
	})
	b.ask(0, "open")
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	require.Len(t, b.written, 5)
	require.Len(t, waits, 6)
	require.Greater(t, slices.Min(waits), 7*24*time.Hour)
	require.GreaterOrEqual(t, slices.Min(takes), 12*time.Hour, "a large day takes its time")
}

func TestAJobOfWhichADayFailedDoesNotWaitAsLongForEachOther(t *testing.T) {
	b := newBulk(t)
	b.ask(0, "open")
	b.OnActivity(hands.WriteDay, mock.Anything, mock.Anything).Return(activities.WrittenDay{}, errors.New("away"))
	began := b.Now()
	require.NoError(t, b.play(workflows.BulkJob, b.in))
	b.AssertActivityNumberOfCalls(t, "FailDay", 10)
	require.GreaterOrEqual(t, b.Now().Sub(began), 12*time.Hour, "half a day for the first, minutes for the others")
	require.Less(t, b.Now().Sub(began), 13*time.Hour)
}
