package accountexport

import (
	"context"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// FindOverdueExportsInput is the input of FindOverdueExports.
type FindOverdueExportsInput struct {
	Grace time.Duration // how long an export must be overdue
	After string        // the ID of the last export of the previous page
}

// FindOverdueExportsResult lists the removals that are overdue.
type FindOverdueExportsResult struct {
	Removals []RemoveArchiveInput
	Next     string // where to continue; "" at the end
}

// FindOverdueExports finds exports that the sweep must remove: those whose run is gone;
// those whose archive has expired, even if their run is open; and those that have ended
// but still have a key. An export whose removal has begun keeps the ending recorded
// then.
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
		if e.HandledByWorkflow {
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

// endingWithoutRun returns how the sweep ends an export. One that has ended keeps its
// ending.
func endingWithoutRun(e schema.Export) schema.Ending {
	switch {
	case e.Status == schema.Completed:
		return schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}
	case e.Status.Ended():
		return schema.Ending{Status: e.Status, Reason: e.Reason, Category: e.FailedCategory}
	}
	return schema.Ending{Status: schema.Failed, Reason: schema.ReasonInterrupted}
}

// RemoveOrphanedExports deletes the objects of exports that have ended or have no
// row, and expires completed exports whose objects are gone.
func (a *Activities) RemoveOrphanedExports(ctx context.Context, in activities.RemoveOrphansInput) (activities.RemoveOrphansResult, error) {
	defer activities.Heartbeat(ctx)()
	result, err := activities.Orphans{
		Vault: a.Vault, Folder: schema.ExportsPrefix, IsID: schema.IsExportID, Prefix: schema.ExportPrefix, Now: a.Store.Now,
		Rows: activities.OrphanRows{
			Owned: a.Store.ActiveIDs, Stored: a.Store.StoredExports, RecordOrphan: a.Store.RecordOrphan, RecordMissing: a.Store.ExpireMissing,
		},
	}.Remove(ctx, in.Grace)
	return result, activities.ToApplicationError(ctx, err)
}

// PurgeHistory deletes the rows of what has been over for longer than the retention.
func (a *Activities) PurgeHistory(ctx context.Context) error {
	defer activities.Heartbeat(ctx)()
	return activities.ToApplicationError(ctx, a.Store.PurgeHistory(ctx, a.Retention.WithDefaults()))
}
