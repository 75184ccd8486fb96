package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"satchel/schema"
)

const sweepPage = 100

// Look is what FindLost and RemoveStrays are told.
type Look struct {
	Grace time.Duration // how late something must be before it counts as lost
	After string        // FindLost goes on behind this export
}

// Lost are exports whose own run is gone, and what to do about each.
type Lost struct {
	Orders []Remove
	Next   string // where to look on; "" at the end
}

// Swept is what a sweep removed.
type Swept struct {
	Exports int // whose run was gone
	Strays  int // exports whose objects no unended row knows
	Stuck   int // of either, that could not be removed
}

// FindLost finds exports that somebody has to remove for their run. That is
// so where the run is gone; where a file's time is over, whatever keeps its run
// from removing it; and where an export has ended and left its key. One whose
// removal has begun ends as that says.
func (a *Activities) FindLost(ctx context.Context, in Look) (Lost, error) {
	defer beat(ctx)()
	overdue, err := a.Store.Overdue(ctx, in.Grace, in.After, sweepPage)
	if err != nil {
		return Lost{}, verdict(ctx, err)
	}
	var lost Lost
	for _, e := range overdue {
		if e.LeftToRun {
			open, err := a.Runs.IsOpen(ctx, e.Account, e.ID)
			if err != nil {
				return Lost{}, verdict(ctx, err)
			}
			if open {
				continue
			}
		}
		lost.Orders = append(lost.Orders, Remove{Export: e.ID, Account: e.Account, Ending: lostEnding(e.Export), By: Satchel})
	}
	if len(overdue) == sweepPage {
		lost.Next = overdue[len(overdue)-1].ID
	}
	return lost, nil
}

// lostEnding is how an export without a run ends. One that has ended keeps
// its ending.
func lostEnding(e schema.Export) schema.Ending {
	switch {
	case e.Status == schema.Completed:
		return schema.Ending{Status: schema.Expired, Reason: schema.WindowPassed}
	case e.Status.Ended():
		return schema.Ending{Status: e.Status, Reason: e.Reason, Category: e.FailedCategory}
	}
	return schema.Ending{Status: schema.Failed, Reason: schema.InterruptedReason}
}

// RemoveStrays deletes the objects of exports that have ended or that no row
// knows, once nothing was stored there for the grace. One that cannot be
// removed keeps no other.
func (a *Activities) RemoveStrays(ctx context.Context, in Look) (Swept, error) {
	defer beat(ctx)()
	var swept Swept
	var page []string
	for id, err := range a.Vault.Folders(ctx, schema.ExportFolder) {
		if err != nil {
			return swept, verdict(ctx, err)
		}
		if !schema.IsExportID(id) {
			continue // not ours
		}
		if page = append(page, id); len(page) == sweepPage {
			if err := a.removeStrays(ctx, page, in.Grace, &swept); err != nil {
				return swept, verdict(ctx, err)
			}
			page = page[:0]
		}
	}
	return swept, verdict(ctx, a.removeStrays(ctx, page, in.Grace, &swept))
}

func (a *Activities) removeStrays(ctx context.Context, exports []string, grace time.Duration, swept *Swept) error {
	alive, err := a.Store.Unended(ctx, exports)
	if err != nil {
		return err
	}
	for _, id := range exports {
		if alive[id] {
			continue
		}
		removed, err := a.removeOld(ctx, schema.ObjectPrefix(id), grace)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			activity.GetLogger(ctx).Error("a stray could not be removed", "export", id, "err", err)
			swept.Stuck++
		case removed:
			swept.Strays++
		}
	}
	return nil
}
