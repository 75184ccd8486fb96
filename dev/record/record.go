// Package record writes histories of workflows, one for each way a run can
// go, for the replay tests. Record from the build that is deployed, before
// changing a workflow: what is in flight must replay on the new code.
package record

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/encoding/protojson"

	"satchel/activities"
	"satchel/schema"
	"satchel/workflows"
)

// path is one way a run can go: what is sent to it while it waits.
type path struct {
	name    string
	windows func(*schema.Windows)
	fails   schema.Category
	tell    []workflows.Signal
}

var paths = []path{
	{name: "confirmed", tell: []workflows.Signal{workflows.Confirmed}},
	{name: "confirmed-with-cooldown", tell: []workflows.Signal{workflows.Confirmed}, windows: func(w *schema.Windows) { w.Cooldown = 3 * time.Second }},
	{name: "mail-lost", tell: []workflows.Signal{workflows.MailLost, workflows.Confirmed}},
	{name: "lapsed", windows: func(w *schema.Windows) { w.Confirm = time.Second }},
	{name: "cancelled-pending", tell: []workflows.Signal{workflows.Cancelled}},
	{name: "cancelled-processing", tell: []workflows.Signal{workflows.Confirmed, workflows.Cancelled}},
	{name: "removed", tell: []workflows.Signal{workflows.Confirmed, workflows.Removed}, windows: func(w *schema.Windows) { w.Download, w.Cooldown = time.Hour, 2*time.Second }},
	{name: "failed", tell: []workflows.Signal{workflows.Confirmed}, fails: "flows"},
}

// Run plays every path on the Temporal server at address and writes its
// history to dir/<path>.json.
func Run(ctx context.Context, address, dir string) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: address, Identity: "record", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	defer c.Close()
	stage := &stage{Client: c, fails: map[string]schema.Category{}, slow: map[string]bool{}}
	for _, queue := range workflows.Queues {
		w := worker.New(c, queue, worker.Options{})
		workflows.Register(w)
		stage.register(w)
		stage.registerBulk(w)
		if err := w.Start(); err != nil {
			return fmt.Errorf("start worker: %w", err)
		}
		defer w.Stop()
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, p := range paths {
		if err := stage.play(ctx, p, filepath.Join(dir, p.name+".json")); err != nil {
			return fmt.Errorf("record %s: %w", p.name, err)
		}
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "sweep", TaskQueue: workflows.TaskQueue}, workflows.Sweep, workflows.Sweeping{Grace: time.Minute})
	if err != nil {
		return err
	}
	if err := stage.keep(ctx, run, filepath.Join(dir, "sweep.json")); err != nil {
		return err
	}
	if err := stage.playBulk(ctx, dir); err != nil {
		return fmt.Errorf("record bulk exports: %w", err)
	}
	return nil
}

// stage answers activities without a world behind them.
type stage struct {
	client.Client
	mu    sync.Mutex
	fails map[string]schema.Category
	slow  map[string]bool
}

func (s *stage) play(ctx context.Context, p path, file string) error {
	in := workflows.Export{
		ID: schema.NewExportID(), Account: schema.NewAccountID(), RequestedBy: schema.NewUserID(), RequestedAt: time.Now().UTC(),
		Windows:    schema.Windows{Confirm: time.Hour, Download: time.Second, Cooldown: time.Second, Collect: time.Hour},
		Categories: schema.Categories,
	}
	if p.windows != nil {
		p.windows(&in.Windows)
	}
	s.mu.Lock()
	s.fails[in.Account], s.slow[in.Account] = p.fails, p.name == "cancelled-processing"
	s.mu.Unlock()
	run, err := s.ExecuteWorkflow(ctx, in.Options(), workflows.AccountExport, in)
	if err != nil {
		return err
	}
	for _, signal := range p.tell {
		select {
		case <-time.After(700 * time.Millisecond): // each is heard in the state it is meant for
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := workflows.Tell(ctx, s, in.Account, signal, workflows.Order{Export: in.ID, By: in.RequestedBy}); err != nil {
			return err
		}
	}
	return s.keep(ctx, run, file)
}

// keep waits for the run to close and writes its history.
func (s *stage) keep(ctx context.Context, run client.WorkflowRun, file string) error {
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	var history historypb.History
	events := s.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		history.Events = append(history.Events, event)
	}
	text, err := protojson.MarshalOptions{Multiline: true, Indent: " "}.Marshal(&history)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

func (s *stage) register(w worker.Worker) {
	named := func(name string, do any) { w.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name}) }
	named("OpenExport", func(context.Context, activities.Open) error { return nil })
	named("ConfirmExport", func(context.Context, activities.Confirm) error { return nil })
	named("SendMail", func(context.Context, activities.Mail) error { return nil })
	named("RemoveArchive", func(context.Context, activities.Remove) error { return nil })
	named("AssembleArchive", func(context.Context, activities.Assemble) (activities.Assembled, error) {
		return activities.Assembled{Archive: schema.Archive{ObjectKey: "archive", Size: 2, GzipSize: 1}}, nil
	})
	named("CompleteExport", func(_ context.Context, in activities.Complete) (activities.Completed, error) {
		now := time.Now().UTC()
		return activities.Completed{CompletedAt: now, ExpiresAt: now.Add(in.Windows.Download), AvailableAgainAt: now.Add(in.Windows.Cooldown)}, nil
	})
	named("CollectCategory", s.collect)
	named("FindLost", func(_ context.Context, in activities.Look) (activities.Lost, error) {
		if in.After != "" {
			return activities.Lost{}, nil
		}
		lost := activities.Remove{Export: schema.NewExportID(), Account: schema.NewAccountID(), By: activities.Satchel,
			Ending: schema.Ending{Status: schema.Failed, Reason: schema.InterruptedReason}}
		return activities.Lost{Orders: []activities.Remove{lost}, Next: lost.Export}, nil
	})
	named("RemoveStrays", func(context.Context, activities.Look) (activities.Swept, error) {
		return activities.Swept{Strays: 1}, nil
	})
}

func (s *stage) collect(ctx context.Context, in activities.Collect) error {
	s.mu.Lock()
	fails, slow := s.fails[in.Account] == in.Category, s.slow[in.Account]
	s.mu.Unlock()
	if fails {
		return temporal.NewNonRetryableApplicationError("the category cannot be read", "refused", nil)
	}
	for slow {
		activity.RecordHeartbeat(ctx)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
