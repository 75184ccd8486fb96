// Package record writes histories of workflows, one for each path of a run, for the
// replay tests. Record from the build that is deployed, before changing a workflow:
// runs in flight must replay on the new code.
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
	exportactivities "satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows"
	"satchel/workflows/accountexport"
	workflowclient "satchel/workflows/client"
	"satchel/workflows/registry"
)

// path is one path of an account export.
type path struct {
	name    string
	windows func(*schema.Windows)
	fails   schema.Category
	signals []accountexport.Signal // sent one after the other
}

var paths = []path{
	{name: "confirmed", signals: []accountexport.Signal{accountexport.Confirmed}},
	{name: "confirmed-with-cooldown", signals: []accountexport.Signal{accountexport.Confirmed}, windows: func(w *schema.Windows) { w.Cooldown = 3 * time.Second }},
	{name: "confirmation-resent", signals: []accountexport.Signal{accountexport.ResendConfirmation, accountexport.Confirmed}},
	{name: "unconfirmed", windows: func(w *schema.Windows) { w.Confirm = time.Second }},
	{name: "cancelled-pending", signals: []accountexport.Signal{accountexport.Cancelled}},
	{name: "cancelled-processing", signals: []accountexport.Signal{accountexport.Confirmed, accountexport.Cancelled}},
	{name: "removed", signals: []accountexport.Signal{accountexport.Confirmed, accountexport.Removed}, windows: func(w *schema.Windows) { w.Download, w.Cooldown = time.Hour, 2*time.Second }},
	{name: "failed", signals: []accountexport.Signal{accountexport.Confirmed}, fails: "flows"},
}

// Run runs every path on the Temporal server at address and writes its history to
// dir/<path>.json.
func Run(ctx context.Context, address, dir string) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: address, Identity: "record", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	defer c.Close()
	r := &recorder{Client: c, fails: map[string]schema.Category{}, slow: map[string]bool{}}
	for _, queue := range workflows.Queues {
		w := worker.New(c, queue, worker.Options{})
		registry.RegisterWorkflows(w)
		r.registerAccountExport(w)
		r.registerBulkExport(w)
		if err := w.Start(); err != nil {
			return fmt.Errorf("start worker: %w", err)
		}
		defer w.Stop()
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, p := range paths {
		if err := r.recordPath(ctx, p, filepath.Join(dir, p.name+".json")); err != nil {
			return fmt.Errorf("record %s: %w", p.name, err)
		}
	}
	for name, sweep := range map[string]any{
		"account-export-sweep": accountexport.AccountExportSweep, "account-export-storage-sweep": accountexport.AccountExportStorageSweep,
	} {
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: name, TaskQueue: workflows.TaskQueue}, sweep, accountexport.SweepInput{Grace: time.Minute})
		if err != nil {
			return err
		}
		if err := r.write(ctx, run, filepath.Join(dir, name+".json")); err != nil {
			return err
		}
	}
	if err := r.recordBulkExport(ctx, dir); err != nil {
		return fmt.Errorf("record bulk exports: %w", err)
	}
	return nil
}

// recorder has activities that return at once.
type recorder struct {
	client.Client
	mu    sync.Mutex
	fails map[string]schema.Category
	slow  map[string]bool
}

func (r *recorder) recordPath(ctx context.Context, p path, file string) error {
	in := accountexport.AccountExportInput{
		ID: schema.NewExportID(), Account: schema.NewAccountID(), RequestedBy: schema.NewUserID(), RequestedAt: time.Now().UTC(),
		Windows:    schema.Windows{Confirm: time.Hour, Download: time.Second, Cooldown: time.Second, Collect: time.Hour},
		Categories: schema.Categories,
	}
	if p.windows != nil {
		p.windows(&in.Windows)
	}
	r.mu.Lock()
	r.fails[in.Account], r.slow[in.Account] = p.fails, p.name == "cancelled-processing"
	r.mu.Unlock()
	run, err := workflowclient.StartAccountExport(ctx, r, in)
	if err != nil {
		return err
	}
	for _, signal := range p.signals {
		select {
		case <-time.After(700 * time.Millisecond): // so that each is received in the state that it is meant for
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := workflowclient.SignalExport(ctx, r, in.Account, signal, accountexport.SignalPayload{Export: in.ID, By: in.RequestedBy}); err != nil {
			return err
		}
	}
	return r.write(ctx, run, file)
}

// write waits for the run to close and writes its history.
func (r *recorder) write(ctx context.Context, run client.WorkflowRun, file string) error {
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	var history historypb.History
	events := r.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
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

func (r *recorder) registerAccountExport(w worker.Worker) {
	named := func(name string, do any) { w.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name}) }
	named("OpenExport", func(context.Context, exportactivities.OpenExportInput) error { return nil })
	named("ConfirmExport", func(context.Context, exportactivities.ConfirmExportInput) error { return nil })
	named("SendEmail", func(context.Context, activities.SendEmailInput) error { return nil })
	named("ConfirmWindowLeft", func(context.Context, exportactivities.ConfirmWindowLeftInput) (time.Duration, error) { return 0, nil })
	named("BeginRemoval", func(context.Context, exportactivities.RemoveArchiveInput) (bool, error) { return true, nil })
	named("RemoveArchive", func(context.Context, exportactivities.RemoveArchiveInput) error { return nil })
	named("AssembleArchive", func(context.Context, exportactivities.AssembleArchiveInput) (exportactivities.AssembleArchiveResult, error) {
		return exportactivities.AssembleArchiveResult{Archive: schema.Archive{ObjectKey: "archive", Size: 2, GzipSize: 1}}, nil
	})
	named("CompleteExport", func(_ context.Context, in exportactivities.CompleteExportInput) (exportactivities.CompleteExportResult, error) {
		now := time.Now().UTC()
		return exportactivities.CompleteExportResult{CompletedAt: now, ExpiresAt: now.Add(in.Windows.Download), AvailableAgainAt: now.Add(in.Windows.Cooldown)}, nil
	})
	named("CollectCategory", r.collect)
	named("FindOverdueExports", func(_ context.Context, in exportactivities.FindOverdueExportsInput) (exportactivities.FindOverdueExportsResult, error) {
		if in.After != "" {
			return exportactivities.FindOverdueExportsResult{}, nil
		}
		removal := exportactivities.RemoveArchiveInput{Export: schema.NewExportID(), Account: schema.NewAccountID(), By: activities.Satchel,
			Ending: schema.Ending{Status: schema.Failed, Reason: schema.ReasonInterrupted}}
		return exportactivities.FindOverdueExportsResult{Removals: []exportactivities.RemoveArchiveInput{removal}, Next: removal.Export}, nil
	})
	named("PurgeHistory", func(context.Context) error { return nil })
	named("DestroyExpiredExportKeys", func(context.Context) (int, error) { return 1, nil })
	named("ReconcileExports", func(context.Context, exportactivities.ReconcileExportsInput) (int, error) { return 1, nil })
	named("EndAbandonedExports", func(context.Context, exportactivities.EndAbandonedExportsInput) (int, error) { return 1, nil })
	named("RemoveOrphanedExports", func(context.Context, activities.RemoveOrphansInput) (activities.RemoveOrphansResult, error) {
		return activities.RemoveOrphansResult{Removed: 1}, nil
	})
}

func (r *recorder) collect(ctx context.Context, in exportactivities.CollectCategoryInput) error {
	r.mu.Lock()
	fails, slow := r.fails[in.Account] == in.Category, r.slow[in.Account]
	r.mu.Unlock()
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
