package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	sdk "go.temporal.io/sdk/worker"

	"satchel/activities"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/workflows"
)

// stand is hands that do nothing but tell what they were asked to do.
type stand struct {
	client.Client
	t     *testing.T
	deeds chan string
	ends  chan schema.Ending

	collect func(context.Context, activities.Collect) error // nil for one that does it at once
	hold    chan struct{}                                   // completing takes until this is closed, where there is one
	outcome error                                           // and ends like this
}

func newStand(t *testing.T) *stand {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: testservices.Temporal(t), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &stand{Client: c, t: t, deeds: make(chan string, 100), ends: make(chan schema.Ending, 1)}
}

// start begins workers, to be stopped with what it answers.
func (s *stand) start(of workers) (stop func()) {
	var started []sdk.Worker
	for _, queue := range workflows.Queues {
		w := sdk.New(s.Client, queue, sdk.Options{
			DisableWorkflowWorker: of == ofDeeds || queue != workflows.TaskQueue, LocalActivityWorkerOnly: of == ofWorkflows,
			WorkerStopTimeout: time.Second,
		})
		if of != ofDeeds && queue == workflows.TaskQueue {
			workflows.Register(w)
		}
		if of != ofWorkflows {
			s.register(w)
		}
		require.NoError(s.t, w.Start())
		started = append(started, w)
	}
	return func() {
		for _, w := range started {
			w.Stop()
		}
	}
}

// workers are of workflows, of deeds, or of both.
type workers int

const (
	ofBoth workers = iota
	ofWorkflows
	ofDeeds
)

func (s *stand) register(w sdk.Worker) {
	named := func(name string, do any) { w.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name}) }
	tell := func(deed string) error { s.deeds <- deed; return nil }
	named("OpenExport", func(context.Context, activities.Open) error { return tell("open") })
	named("SendMail", func(_ context.Context, m activities.Mail) error { return tell(string(m.Kind)) })
	named("ConfirmExport", func(context.Context, activities.Confirm) error { return tell("confirm") })
	named("CollectCategory", func(ctx context.Context, in activities.Collect) error {
		if s.collect == nil {
			return nil
		}
		return s.collect(ctx, in)
	})
	named("AssembleArchive", func(context.Context, activities.Assemble) (activities.Assembled, error) {
		return activities.Assembled{}, tell("assemble")
	})
	named("CompleteExport", func(_ context.Context, in activities.Complete) (activities.Completed, error) {
		s.deeds <- "complete"
		if s.hold != nil {
			<-s.hold
		}
		now := time.Now().UTC()
		return activities.Completed{CompletedAt: now, ExpiresAt: now.Add(in.Windows.Download), AvailableAgainAt: now.Add(in.Windows.Cooldown)}, s.outcome
	})
	named("RemoveArchive", func(_ context.Context, in activities.Remove) error { s.ends <- in.Ending; return nil })
}

// await waits until a deed is done.
func (s *stand) await(want string) {
	s.t.Helper()
	for {
		select {
		case deed := <-s.deeds:
			if deed == want {
				return
			}
		case <-time.After(20 * time.Second):
			require.Fail(s.t, "nothing happened", "waiting for %s", want)
		}
	}
}

// happened waits until the run's history has an event of which so holds.
func (s *stand) happened(run client.WorkflowRun, so func(*historypb.HistoryEvent) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for events := s.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); ; {
		event, err := events.Next()
		require.NoError(s.t, err)
		if so(event) {
			return
		}
	}
}

func (s *stand) request(windows schema.Windows) (workflows.Export, client.WorkflowRun) {
	s.t.Helper()
	in := workflows.Export{
		ID: schema.NewExportID(), Account: schema.NewAccountID(), RequestedBy: schema.NewUserID(),
		RequestedAt: time.Now().UTC(), Windows: windows,
	}
	run, err := s.ExecuteWorkflow(s.t.Context(), in.Options(), workflows.AccountExport, in)
	require.NoError(s.t, err)
	return in, run
}

func (s *stand) tell(in workflows.Export, signal workflows.Signal) {
	s.t.Helper()
	told, err := workflows.Tell(s.t.Context(), s, in.Account, signal, workflows.Order{Export: in.ID, By: in.RequestedBy})
	require.NoError(s.t, err)
	require.True(s.t, told)
}

func (s *stand) ending() schema.Ending {
	s.t.Helper()
	select {
	case ending := <-s.ends:
		return ending
	case <-time.After(40 * time.Second):
		require.Fail(s.t, "the export does not end")
		return schema.Ending{}
	}
}

func TestAConfirmationInTimeCountsThoughNoWorkerWasUpToHearIt(t *testing.T) {
	s := newStand(t)
	stop := s.start(ofBoth)
	in, run := s.request(schema.Windows{Confirm: 3 * time.Second, Download: time.Second, Cooldown: time.Second, Collect: time.Minute})
	s.await("request")
	stop()
	s.tell(in, workflows.Confirmed)
	s.happened(run, func(e *historypb.HistoryEvent) bool { return e.GetEventType() == enumspb.EVENT_TYPE_TIMER_FIRED })
	defer s.start(ofBoth)()
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
}

func TestACategoryIsReadAgainNowByItsName(t *testing.T) {
	s := newStand(t)
	var tries atomic.Int64
	s.collect = func(_ context.Context, in activities.Collect) error {
		if in.Category == "calls" && tries.Add(1) == 1 {
			return temporal.NewApplicationErrorWithOptions("away", "database", temporal.ApplicationErrorOptions{NextRetryDelay: time.Hour})
		}
		return nil
	}
	defer s.start(ofBoth)()
	in, run := s.request(schema.Windows{Confirm: time.Minute, Download: time.Second, Cooldown: time.Second, Collect: 2 * time.Hour})
	s.tell(in, workflows.Confirmed)
	require.Eventually(t, func() bool {
		d, err := s.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
		require.NoError(t, err)
		waiting := d.GetPendingActivities()
		return len(waiting) == 1 && waiting[0].GetActivityId() == "calls" && waiting[0].GetLastFailure() != nil
	}, 20*time.Second, 20*time.Millisecond)
	_, err := s.WorkflowService().ResetActivity(t.Context(), &workflowservice.ResetActivityRequest{
		Namespace: client.DefaultNamespace, Execution: &commonpb.WorkflowExecution{WorkflowId: run.GetID(), RunId: run.GetRunID()},
		Activity: &workflowservice.ResetActivityRequest_Id{Id: "calls"},
	})
	require.NoError(t, err)
	require.Equal(t, schema.WindowPassed, s.ending().Reason)
}

// The work can come to its end in the moment somebody stops it. Who was told
// that it is stopped must neither find the file nor hear of a failure.
func TestStoppedIsStoppedWhateverTheWorkHasJustComeTo(t *testing.T) {
	for name, outcome := range map[string]error{
		"completed": nil,
		"failed":    temporal.NewNonRetryableApplicationError("no", "no", nil),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.hold, s.outcome = make(chan struct{}), outcome
			defer s.start(ofDeeds)()
			stop := s.start(ofWorkflows)
			in, run := s.request(schema.Windows{Confirm: time.Minute, Download: time.Hour, Cooldown: time.Hour, Collect: time.Minute})
			s.tell(in, workflows.Confirmed)
			s.await("complete")
			stop()
			close(s.hold)
			s.happened(run, afterwards("CompleteExport"))
			s.tell(in, workflows.Cancelled)
			defer s.start(ofWorkflows)()
			require.Equal(t, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, s.ending())
		})
	}
}

// afterwards tells the event that says how an activity ended.
func afterwards(name string) func(*historypb.HistoryEvent) bool {
	var scheduled int64
	return func(e *historypb.HistoryEvent) bool {
		if e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == name {
			scheduled = e.GetEventId()
		}
		return scheduled > 0 && (e.GetActivityTaskCompletedEventAttributes().GetScheduledEventId() == scheduled ||
			e.GetActivityTaskFailedEventAttributes().GetScheduledEventId() == scheduled)
	}
}
