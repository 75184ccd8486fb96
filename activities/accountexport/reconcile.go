package accountexport

import (
	"context"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"satchel/activities"
	"satchel/schema"
)

// OpenRun is an open run of AccountExport.
type OpenRun struct {
	Account   string
	Export    string
	RunID     string
	Status    schema.Status // that the run has published
	StartedAt time.Time
}

// DestroyExpiredExportKeys makes every archive whose time is over unreadable, wherever
// copies of it may be, and returns how many there were.
func (a *Activities) DestroyExpiredExportKeys(ctx context.Context) (int, error) {
	n, err := a.Store.DestroyExpiredKeys(ctx)
	return n, activities.ToApplicationError(ctx, err)
}

// EndAbandonedExportsInput is the input of EndAbandonedExports.
type EndAbandonedExportsInput struct {
	Grace time.Duration // how long an export must be overdue
}

// EndAbandonedExports begins the removal of exports that the sweep must remove, and
// returns how many there were. It makes no request to storage.
func (a *Activities) EndAbandonedExports(ctx context.Context, in EndAbandonedExportsInput) (ended int, err error) {
	defer activities.Heartbeat(ctx)()
	for after := ""; ; {
		overdue, err := a.findOverdue(ctx, FindOverdueExportsInput{Grace: in.Grace, After: after})
		if err != nil {
			return ended, activities.ToApplicationError(ctx, err)
		}
		for _, in := range overdue.Removals {
			if _, err := a.Store.BeginRemoval(ctx, in.Export, in.Ending, in.By); err != nil {
				return ended, activities.ToApplicationError(ctx, err)
			}
			ended++
		}
		if after = overdue.Next; after == "" {
			return ended, nil
		}
	}
}

// ReconcileExportsInput is the input of ReconcileExports.
type ReconcileExportsInput struct {
	Grace time.Duration // how long a run must have been open
}

// ReconcileExports finds open runs that know other things of their export than the
// database, as after one of both was restored, and returns how many there were. What the
// database does not have cannot be completed, confirmed or downloaded: such a run is
// terminated, and the export ends as interrupted, or as deleted if the run has seen that.
// So the account can request a new one.
func (a *Activities) ReconcileExports(ctx context.Context, in ReconcileExportsInput) (reconciled int, err error) {
	defer activities.Heartbeat(ctx)()
	reconciled, err = a.reconcile(ctx, in.Grace)
	return reconciled, activities.ToApplicationError(ctx, err)
}

func (a *Activities) reconcile(ctx context.Context, grace time.Duration) (reconciled int, err error) {
	now, err := a.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	for open, err := range a.Runs.OpenRuns(ctx) { // before the rows, which are then not older
		if err != nil {
			return reconciled, err
		}
		states, err := a.Store.ExportStates(ctx, exportsOf(open), grace)
		if err != nil {
			return reconciled, err
		}
		for _, run := range open {
			state, exists := states[run.Export]
			if run.StartedAt.After(now.Add(-grace)) || !differs(run.Status, state, exists) {
				continue
			}
			done, err := a.reconcileRun(ctx, run, state.Status)
			if err != nil {
				return reconciled, err
			}
			if done {
				reconciled++
			}
		}
	}
	return reconciled, nil
}

func exportsOf(runs []OpenRun) []string {
	ids := make([]string, len(runs))
	for i, run := range runs {
		ids[i] = run.Export
	}
	return ids
}

// differs tells whether a run cannot be the run of the export in the database: the export
// is not there, or the run is ahead of it, or the export was removed and the run does not
// know. A run publishes that it is processing before the row says so, and every later
// status afterwards.
func differs(run schema.Status, state schema.ExportState, exists bool) bool {
	switch {
	case !exists:
		return true
	case state.Status.Ended():
		return state.Removed && !run.Ended() && run != schema.Completed
	case run == schema.Processing:
		return state.Status == schema.Pending
	}
	return slices.Index(schema.Statuses, run) > slices.Index(schema.Statuses, state.Status)
}

// reconcileRun terminates a run and begins the removal of its export. It leaves a run
// that has not written its row yet.
func (a *Activities) reconcileRun(ctx context.Context, run OpenRun, status schema.Status) (done bool, err error) {
	if status == "" {
		if opened, err := a.Runs.HasOpened(ctx, run); err != nil || !opened {
			return false, err
		}
	}
	activity.GetLogger(ctx).Warn("the run of an export and the database differ", "account", run.Account, "export", run.Export, "run", run.Status, "database", status)
	if err := a.Runs.Terminate(ctx, run, "the database knows another state of this export, as after a restore"); err != nil {
		return false, err
	}
	ending := schema.Ending{Status: schema.Failed, Reason: schema.ReasonInterrupted}
	if status == schema.Completed {
		ending = schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}
	}
	if _, err := a.Store.BeginRemoval(ctx, run.Export, ending, activities.Satchel); err != nil {
		return false, err
	}
	return true, a.Store.RecordReconciled(ctx, run.Account, run.Export, status, run.Status)
}
