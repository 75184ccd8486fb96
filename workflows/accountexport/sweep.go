package accountexport

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/schema"
	"satchel/workflows"
)

// SweepInput is the input of AccountExportSweep and AccountExportStorageSweep.
type SweepInput struct {
	Grace time.Duration // how long something must be overdue before the sweep handles it

	// Set when AccountExportStorageSweep continues as new: the last export of the last
	// page, and what was done so far.
	After string             `json:",omitzero"`
	Done  StorageSweepResult `json:",omitzero"`
}

// SweepResult is the result of AccountExportSweep.
type SweepResult struct {
	Keys       int // destroyed, of exports whose time is over
	Ended      int // exports whose workflow run was gone, and whose removal began
	Reconciled int // exports of which the database and Temporal knew different things
}

// AccountExportSweep does for exports whose run is terminated or lost what needs no
// storage: it destroys keys, first those of every archive whose time is over, and records
// how exports ended. It also reconciles the database and Temporal after one of them was
// restored, and purges rows whose retention is over. As it waits for neither storage nor
// e-mail, it is never late.
func AccountExportSweep(ctx workflow.Context, in SweepInput) (SweepResult, error) {
	var result SweepResult
	err := errors.Join( // one after the other, and each whatever becomes of the others
		execute(ctx, workflows.TaskQueue, "Destroy the keys of expired exports", &result.Keys, a.DestroyExpiredExportKeys),
		execute(ctx, workflows.TaskQueue, "Reconcile exports with their runs", &result.Reconciled, a.ReconcileExports,
			accountexport.ReconcileExportsInput{Grace: in.Grace}),
		execute(ctx, workflows.TaskQueue, "End abandoned exports", &result.Ended, a.EndAbandonedExports,
			accountexport.EndAbandonedExportsInput{Grace: in.Grace}),
		execute(ctx, workflows.TaskQueue, "Purge old rows", nil, a.PurgeHistory),
	)
	return result, err
}

// StorageSweepResult is the result of AccountExportStorageSweep.
type StorageSweepResult struct {
	Exports int // whose workflow run was gone, and whose objects were removed
	Orphans int // exports without a row whose objects were removed
	Missing int // completed exports whose objects were gone, and that expired
	Failed  int // exports and orphans that could not be removed
}

// AccountExportStorageSweep removes the objects of exports whose run was terminated or
// lost, and objects that belong to no row, and expires exports whose objects are gone. If
// something cannot be removed, the sweep removes the rest and then fails, so that
// operators see it; the next sweep tries again.
func AccountExportStorageSweep(ctx workflow.Context, in SweepInput) (StorageSweepResult, error) {
	result := in.Done
	overdue := removeOverdue(ctx, in, &result)
	if workflow.IsContinueAsNewError(overdue) {
		return result, overdue
	}
	err := errors.Join(
		overdue,
		removeOrphans(ctx, in, &result),
	)
	if err == nil && result.Failed > 0 {
		err = fmt.Errorf("%d exports could not be removed", result.Failed)
	}
	return result, err
}

// execute executes an activity of a sweep.
func execute(ctx workflow.Context, queue, summary string, result, activity any, args ...any) error {
	return workflow.ExecuteActivity(workflows.SweepOptions(ctx, queue, summary), activity, args...).Get(ctx, result)
}

// removeOverdue finds exports to remove, page by page, and removes them. Before its
// history is too long, the sweep continues as new after the last page: it reaches the
// later exports however many there are.
func removeOverdue(ctx workflow.Context, in SweepInput, result *StorageSweepResult) error {
	for after := in.After; ; {
		var overdue accountexport.FindOverdueExportsResult
		if err := execute(ctx, workflows.TaskQueue, "Find overdue exports", &overdue, a.FindOverdueExports,
			accountexport.FindOverdueExportsInput{Grace: in.Grace, After: after}); err != nil {
			return err
		}
		if err := removeAll(ctx, overdue.Removals, result); err != nil {
			return err
		}
		if after = overdue.Next; after == "" {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, AccountExportStorageSweep, SweepInput{Grace: in.Grace, After: after, Done: *result})
		}
	}
}

// removeAll removes exports concurrently, and e-mails the owners of those that ended
// as failed.
func removeAll(ctx workflow.Context, removals []accountexport.RemoveArchiveInput, result *StorageSweepResult) error {
	futures := make([]workflow.Future, len(removals))
	for i, removal := range removals {
		ctx := workflows.SweepOptions(ctx, workflows.RemovalQueue, "Remove "+removal.Export)
		futures[i] = workflow.ExecuteActivity(workflows.WithFairness(ctx, removal.Account), a.RemoveArchive, removal)
	}
	for i, removal := range removals {
		if err := futures[i].Get(ctx, nil); err != nil {
			result.Failed++
			continue
		}
		result.Exports++
		if removal.Ending.Status != schema.Failed {
			continue
		}
		if err := workflows.StartEmail(ctx, activities.SendEmailInput{
			About: removal.Export, Account: removal.Account, Kind: accountexport.FailedEmail, LinkVersion: 1,
		}); err != nil {
			return err
		}
	}
	return nil
}

func removeOrphans(ctx workflow.Context, in SweepInput, result *StorageSweepResult) error {
	var orphans activities.RemoveOrphansResult
	err := execute(ctx, workflows.RemovalQueue, "Remove orphaned objects", &orphans, a.RemoveOrphanedExports,
		activities.RemoveOrphansInput{Grace: in.Grace})
	result.Orphans, result.Missing = orphans.Removed, orphans.Missing
	result.Failed += orphans.Failed
	return err
}
