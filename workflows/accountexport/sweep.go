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

// SweepInput is the input of AccountExportSweep.
type SweepInput struct {
	Grace time.Duration // how late something must be before the sweep does it
}

// SweepResult is the result of AccountExportSweep.
type SweepResult struct {
	Exports int // removed in place of their run
	Orphans int // exports whose objects were removed, since no row keeps them
	Failed  int // of either, that could not be removed
}

// AccountExportSweep does for exports whose run is gone (terminated, lost) what the
// run would have done: it removes them and records how they ended. It also removes
// objects that belong to no row. What cannot be removed does not stop the rest; the
// sweep fails then, so that operators see it, and the next one tries again.
func AccountExportSweep(ctx workflow.Context, in SweepInput) (SweepResult, error) {
	var result SweepResult
	err := errors.Join(
		removeOverdue(ctx, in, &result),
		removeOrphans(ctx, in, &result),
	)
	if err == nil && result.Failed > 0 {
		err = fmt.Errorf("%d exports could not be removed", result.Failed)
	}
	return result, err
}

// removeOverdue finds exports to remove, page by page, and removes them.
func removeOverdue(ctx workflow.Context, in SweepInput, result *SweepResult) error {
	for after := ""; ; {
		var overdue accountexport.FindOverdueExportsResult
		if err := workflow.ExecuteActivity(workflows.SweepOptions(ctx, "Find overdue exports"), a.FindOverdueExports,
			accountexport.FindOverdueExportsInput{Grace: in.Grace, After: after}).Get(ctx, &overdue); err != nil {
			return err
		}
		if err := removeAll(ctx, overdue.Removals, result); err != nil {
			return err
		}
		if after = overdue.Next; after == "" || workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return nil // where there are as many, the next sweep continues
		}
	}
}

// removeAll removes exports concurrently, and sends the e-mails of those that failed
// by it.
func removeAll(ctx workflow.Context, removals []accountexport.RemoveArchiveInput, result *SweepResult) error {
	futures := make([]workflow.Future, len(removals))
	for i, removal := range removals {
		futures[i] = workflow.ExecuteActivity(workflows.SweepOptions(ctx, "Remove "+removal.Export), a.RemoveArchive, removal)
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

func removeOrphans(ctx workflow.Context, in SweepInput, result *SweepResult) error {
	var orphans activities.RemoveOrphansResult
	if err := workflow.ExecuteActivity(workflows.SweepOptions(ctx, "Remove orphaned objects"), a.RemoveOrphanedExports,
		activities.RemoveOrphansInput{Grace: in.Grace}).Get(ctx, &orphans); err != nil {
		return err
	}
	result.Orphans = orphans.Removed
	result.Failed += orphans.Failed
	return nil
}
