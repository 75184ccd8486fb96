package accountexport

import (
	"context"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// FindOverdueExportsInput is the input of FindOverdueExports.
type FindOverdueExportsInput struct {
	Grace time.Duration // how late an export must be
	After string        // continues behind this export
}

// FindOverdueExportsResult lists the removals that are overdue.
type FindOverdueExportsResult struct {
	Removals []RemoveArchiveInput
	Next     string // where to continue; "" at the end
}

// FindOverdueExports finds exports to remove in place of their run: where the run
// is gone; where the file's time is over, whatever keeps the run from removing it;
// and where an export has ended and left its key. One whose removal has begun
// keeps the ending with which it began.
func (a *Activities) FindOverdueExports(ctx context.Context, in FindOverdueExportsInput) (FindOverdueExportsResult, error) {
	defer activities.Heartbeat(ctx)()
	result, err := a.findOverdue(ctx, in)
	return result, activities.ToApplicationError(ctx, err)
}

func (a *Activities) findOverdue(ctx context.Context, in FindOverdueExportsInput) (result FindOverdueExportsResult, err error) {
	overdue, err := a.Store.Overdue(ctx, in.Grace, in.After, activities.SweepPage)
	if err != nil {
		return result, err
	}
	for _, e := range overdue {
		if e.LeftToRun {
			open, err := a.Runs.IsOpen(ctx, e.Account, e.ID)
			if err != nil {
				return FindOverdueExportsResult{}, err
			}
			if open {
				continue
			}
		}
		result.Removals = append(result.Removals, RemoveArchiveInput{
			Export: e.ID, Account: e.Account, Ending: endingWithoutRun(e.Export), By: activities.Satchel,
		})
	}
	if len(overdue) == activities.SweepPage {
		result.Next = overdue[len(overdue)-1].ID
	}
	return result, nil
}

// endingWithoutRun is how an export without a run ends. One that has ended keeps
// its ending.
func endingWithoutRun(e schema.Export) schema.Ending {
	switch {
	case e.Status == schema.Completed:
		return schema.Ending{Status: schema.Expired, Reason: schema.WindowPassed}
	case e.Status.Ended():
		return schema.Ending{Status: e.Status, Reason: e.Reason, Category: e.FailedCategory}
	}
	return schema.Ending{Status: schema.Failed, Reason: schema.InterruptedReason}
}

// RemoveOrphanedExports deletes the objects of exports that have ended or have no
// row.
func (a *Activities) RemoveOrphanedExports(ctx context.Context, in activities.RemoveOrphansInput) (activities.RemoveOrphansResult, error) {
	defer activities.Heartbeat(ctx)()
	result, err := activities.Orphans{
		Vault: a.Vault, Folder: schema.ExportFolder, IsID: schema.IsExportID, Owned: a.Store.Unended, Prefix: schema.ObjectPrefix,
	}.Remove(ctx, in.Grace)
	return result, activities.ToApplicationError(ctx, err)
}
