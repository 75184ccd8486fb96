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

	// Set when the sweep continues as new: the last export of the last page, and what
	// was done so far.
	After string      `json:",omitzero"`
	Done  SweepResult `json:",omitzero"`
}

// SweepResult is the result of AccountExportSweep.
type SweepResult struct {
	Exports int // whose workflow run was gone, and that were removed
	Orphans int // exports without a row whose objects were removed
	Failed  int // exports and orphans that could not be removed
}

// AccountExportSweep removes exports whose run was terminated or lost, and records how
// they ended, as the run would have done. It also removes objects that belong to no
// row, and purges rows whose retention is over. If something cannot be removed, the sweep removes the rest and then fails, so
// that operators see it; the next sweep tries again.
func AccountExportSweep(ctx workflow.Context, in SweepInput) (SweepResult, error) {
	result := in.Done
	overdue := removeOverdue(ctx, in, &result)
	if workflow.IsContinueAsNewError(overdue) {
		return result, overdue
	}
	err := errors.Join(
		overdue,
		removeOrphans(ctx, in, &result),
		workflow.ExecuteActivity(workflows.SweepOptions(ctx, "Purge old rows"), a.PurgeHistory).Get(ctx, nil),
	)
	if err == nil && result.Failed > 0 {
		err = fmt.Errorf("%d exports could not be removed", result.Failed)
	}
	return result, err
}

// removeOverdue finds exports to remove, page by page, and removes them. Before its
// history is too long, the sweep continues as new after the last page: it reaches the
// later exports however many there are.
func removeOverdue(ctx workflow.Context, in SweepInput, result *SweepResult) error {
	for after := in.After; ; {
		var overdue accountexport.FindOverdueExportsResult
		if err := workflow.ExecuteActivity(workflows.SweepOptions(ctx, "Find overdue exports"), a.FindOverdueExports,
			accountexport.FindOverdueExportsInput{Grace: in.Grace, After: after}).Get(ctx, &overdue); err != nil {
			return err
		}
		if err := removeAll(ctx, overdue.Removals, result); err != nil {
			return err
		}
		if after = overdue.Next; after == "" {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, AccountExportSweep, SweepInput{Grace: in.Grace, After: after, Done: *result})
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
