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
	"satchel/activities/accountexport"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/workflows"
	exportworkflows "satchel/workflows/accountexport"
	workflowclient "satchel/workflows/client"
	"satchel/workflows/registry"
)

// stubFixture has activities that do nothing but report that they ran.
type stubFixture struct {
	client.Client
	t    *testing.T
	ran  chan string
	ends chan schema.Ending

	collect func(context.Context, accountexport.CollectCategoryInput) error // nil for one that does it at once
	hold    chan struct{}                                                   // completing takes until this is closed, where there is one
	outcome error                                                           // and ends like this
}

func newStubFixture(t *testing.T) *stubFixture {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: testservices.Temporal(t), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &stubFixture{Client: c, t: t, ran: make(chan string, 100), ends: make(chan schema.Ending, 1)}
}

// start begins workers, to be stopped with what it answers.
func (s *stubFixture) start(of workers) (stop func()) {
	var started []sdk.Worker
	for _, queue := range workflows.Queues {
		w := sdk.New(s.Client, queue, sdk.Options{
			DisableWorkflowWorker: of == ofActivities || queue != workflows.TaskQueue, LocalActivityWorkerOnly: of == ofWorkflows,
			WorkerStopTimeout: time.Second,
		})
		if of != ofActivities && queue == workflows.TaskQueue {
			registry.RegisterWorkflows(w)
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

// workers run workflows, activities, or both.
type workers int

const (
	ofBoth workers = iota
	ofWorkflows
	ofActivities
)

func (s *stubFixture) register(w sdk.Worker) {
	named := func(name string, do any) { w.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name}) }
	report := func(activity string) error { s.ran <- activity; return nil }
	named("OpenExport", func(context.Context, accountexport.OpenExportInput) error { return report("open") })
	named("SendEmail", func(_ context.Context, m activities.SendEmailInput) error { return report(string(m.Kind)) })
	named("ConfirmExport", func(context.Context, accountexport.ConfirmExportInput) error { return report("confirm") })
	named("CollectCategory", func(ctx context.Context, in accountexport.CollectCategoryInput) error {
		if s.collect == nil {
			return nil
		}
		return s.collect(ctx, in)
	})
	named("AssembleArchive", func(context.Context, accountexport.AssembleArchiveInput) (accountexport.AssembleArchiveResult, error) {
		return accountexport.AssembleArchiveResult{}, report("assemble")
	})
	named("CompleteExport", func(_ context.Context, in accountexport.CompleteExportInput) (accountexport.CompleteExportResult, error) {
		s.ran <- "complete"
		if s.hold != nil {
			<-s.hold
		}
		now := time.Now().UTC()
		return accountexport.CompleteExportResult{CompletedAt: now, ExpiresAt: now.Add(in.Windows.Download), AvailableAgainAt: now.Add(in.Windows.Cooldown)}, s.outcome
	})
	named("ConfirmWindowLeft", func(context.Context, accountexport.ConfirmWindowLeftInput) (time.Duration, error) { return 0, nil })
	named("BeginRemoval", func(context.Context, accountexport.RemoveArchiveInput) (bool, error) { return true, nil })
	named("RemoveArchive", func(_ context.Context, in accountexport.RemoveArchiveInput) error { s.ends <- in.Ending; return nil })
}

// await waits until an activity ran.
func (s *stubFixture) await(want string) {
	s.t.Helper()
	for {
		select {
		case activity := <-s.ran:
			if activity == want {
				return
			}
		case <-time.After(20 * time.Second):
			require.Fail(s.t, "nothing happened", "waiting for %s", want)
		}
	}
}

// awaitEvent waits until the run's history has an event of which so holds.
func (s *stubFixture) awaitEvent(run client.WorkflowRun, so func(*historypb.HistoryEvent) bool) {
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

func (s *stubFixture) request(windows schema.Windows) (exportworkflows.AccountExportInput, client.WorkflowRun) {
	s.t.Helper()
	in := exportworkflows.AccountExportInput{
		ID: schema.NewExportID(), Account: schema.NewAccountID(), RequestedBy: schema.NewUserID(),
		RequestedAt: time.Now().UTC(), Windows: windows,
	}
	run, err := workflowclient.StartAccountExport(s.t.Context(), s, in)
	require.NoError(s.t, err)
	return in, run
}

func (s *stubFixture) signal(in exportworkflows.AccountExportInput, name exportworkflows.Signal) {
	s.t.Helper()
	open, err := workflowclient.SignalExport(s.t.Context(), s, in.Account, name, exportworkflows.SignalPayload{Export: in.ID, By: in.RequestedBy})
	require.NoError(s.t, err)
	require.True(s.t, open)
}

func (s *stubFixture) ending() schema.Ending {
	s.t.Helper()
	select {
	case ending := <-s.ends:
		return ending
	case <-time.After(40 * time.Second):
		require.Fail(s.t, "the export does not end")
		return schema.Ending{}
	}
}

func TestAConfirmationInTimeCountsThoughNoWorkerWasUp(t *testing.T) {
	s := newStubFixture(t)
	stop := s.start(ofBoth)
	in, run := s.request(schema.Windows{Confirm: 3 * time.Second, Download: time.Second, Cooldown: time.Second, Collect: time.Minute})
	s.await("request")
	stop()
	s.signal(in, exportworkflows.Confirmed)
	s.awaitEvent(run, func(e *historypb.HistoryEvent) bool { return e.GetEventType() == enumspb.EVENT_TYPE_TIMER_FIRED })
	defer s.start(ofBoth)()
	require.Equal(t, schema.ReasonWindowPassed, s.ending().Reason)
}

func TestACategoryIsRetriedAtOnceByItsActivityID(t *testing.T) {
	s := newStubFixture(t)
	var tries atomic.Int64
	s.collect = func(_ context.Context, in accountexport.CollectCategoryInput) error {
		if in.Category == "calls" && tries.Add(1) == 1 {
			return temporal.NewApplicationErrorWithOptions("away", "database", temporal.ApplicationErrorOptions{NextRetryDelay: time.Hour})
		}
		return nil
	}
	defer s.start(ofBoth)()
	in, run := s.request(schema.Windows{Confirm: time.Minute, Download: time.Second, Cooldown: time.Second, Collect: 2 * time.Hour})
	s.signal(in, exportworkflows.Confirmed)
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
	require.Equal(t, schema.ReasonWindowPassed, s.ending().Reason)
}

// The archive can be completed, or fail, in the moment in which the export is cancelled.
// Then it is neither offered nor reported as failed.
func TestACancellationWinsOverAnOutcomeThatTheRunDoesNotKnowYet(t *testing.T) {
	for name, outcome := range map[string]error{
		"completed": nil,
		"failed":    temporal.NewNonRetryableApplicationError("no", "no", nil),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStubFixture(t)
			s.hold, s.outcome = make(chan struct{}), outcome
			defer s.start(ofActivities)()
			stop := s.start(ofWorkflows)
			in, run := s.request(schema.Windows{Confirm: time.Minute, Download: time.Hour, Cooldown: time.Hour, Collect: time.Minute})
			s.signal(in, exportworkflows.Confirmed)
			s.await("complete")
			stop()
			close(s.hold)
			s.awaitEvent(run, afterwards("CompleteExport"))
			s.signal(in, exportworkflows.Cancelled)
			defer s.start(ofWorkflows)()
			require.Equal(t, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, s.ending())
		})
	}
}

// afterwards recognises the event with which an activity ended.
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
