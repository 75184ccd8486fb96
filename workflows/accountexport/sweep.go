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
	Grace time.Duration // how long something must be overdue before the sweep handles it
}

// SweepResult is the result of AccountExportSweep.
type SweepResult struct {
	Exports int // whose workflow run was gone, and that were removed
	Orphans int // exports without a row whose objects were removed
	Failed  int // exports and orphans that could not be removed
}

// AccountExportSweep removes exports whose run was terminated or lost, and records how
// they ended, as the run would have done. It also removes objects that belong to no
// row. If something cannot be removed, the sweep removes the rest and then fails, so
// that operators see it; the next sweep tries again.
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
			return nil // the next sweep continues
		}
	}
}

// removeAll removes exports concurrently, and e-mails the owners of those that ended
// as failed.
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
