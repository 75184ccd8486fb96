package bulkexport

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/activities/bulkexport"
	"satchel/workflows"
)

// StorageSweepResult is the result of BulkExportStorageSweep.
type StorageSweepResult struct {
	Expired int // expired day files that were removed
	Orphans int // day files without a row whose objects were removed
	Missing int // day files whose objects were gone, and whose rows were removed
	Failed  int // expired files and orphans that could not be removed

	Replayed int // erased calls that a restored database did not know
	Outdated int // files that were found to contain calls that the platform no longer shows
	Rebuilds int // requested for files that contain calls that were replayed
}

// BulkExportStorageSweep removes expired day files and objects without a row, and the
// rows of files whose objects are gone. It also replays erasures that a restored database
// has lost, and finds files with calls that the platform no longer shows. It is a run of its own, so that storage that does
// not answer delays nothing else. If a part fails, the others still run and then the sweep
// fails, so that operators see it; the next sweep tries again.
func BulkExportStorageSweep(ctx workflow.Context, in SweepInput) (StorageSweepResult, error) {
	s := &storageSweep{SweepInput: in}
	errs := concurrently(ctx, s.removeExpired, s.removeOrphans, s.replayErasures, s.checkDayFiles)
	if s.result.Failed > 0 {
		errs = append(errs, fmt.Errorf("%d day files could not be removed", s.result.Failed))
	}
	return s.result, errors.Join(errs...)
}

type storageSweep struct {
	SweepInput
	result StorageSweepResult
}

func (s *storageSweep) removeExpired(ctx workflow.Context) error {
	var expired bulkexport.RemoveExpiredDayFilesResult
	ctx = workflows.SweepOptions(ctx, workflows.RemovalQueue, "Remove expired files")
	err := workflow.ExecuteActivity(ctx, a.RemoveExpiredDayFiles).Get(ctx, &expired)
	s.result.Expired = expired.Removed
	s.result.Failed += expired.Failed
	return err
}

func (s *storageSweep) removeOrphans(ctx workflow.Context) error {
	var orphans activities.RemoveOrphansResult
	ctx = workflows.SweepOptions(ctx, workflows.RemovalQueue, "Remove orphaned objects")
	err := workflow.ExecuteActivity(ctx, a.RemoveOrphanedDayFiles, activities.RemoveOrphansInput{Grace: s.Grace}).Get(ctx, &orphans)
	s.result.Orphans, s.result.Missing = orphans.Removed, orphans.Missing
	s.result.Failed += orphans.Failed
	return err
}

// replayErasures requests the rebuild of files with calls that were replayed, too.
func (s *storageSweep) replayErasures(ctx workflow.Context) error {
	replay := workflows.SweepOptions(ctx, workflows.RemovalQueue, "Replay erasures")
	err := workflow.ExecuteActivity(replay, a.ReplayErasures).Get(ctx, &s.result.Replayed)
	if err != nil || s.result.Replayed == 0 {
		return err
	}
	return workflow.ExecuteActivity(workflows.SweepOptions(ctx, workflows.TaskQueue, "Request rebuilds"), a.RequestRebuilds).Get(ctx, &s.result.Rebuilds)
}

func (s *storageSweep) checkDayFiles(ctx workflow.Context) error {
	ctx = workflows.SweepOptions(ctx, workflows.RemovalQueue, "Look for calls that are gone")
	return workflow.ExecuteActivity(ctx, a.CheckDayFiles).Get(ctx, &s.result.Outdated)
}
