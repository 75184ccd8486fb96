package activities

import (
	"context"
	"errors"
	"time"

	"satchel/schema"
)

// SweepBulk is what SweepBulk is told.
type SweepBulk struct {
	Grace  time.Duration // how late something must be before it counts as lost
	Limits schema.BulkLimits
}

// SweptBulk is what a sweep of bulk exports did.
type SweptBulk struct {
	Expired int // day files whose time was over
	Strays  int // day files that no row knows
	Stuck   int // of either, that could not be removed
	Again   int // with calls that were erased: they are being made again
	Jobs    int // ended, because their run was gone
}

// SweepBulk deletes day files whose time is over and objects that no row
// knows, has those with erased calls made again, ends jobs whose run is gone, and
// forgets what is long over. One thing that cannot be done keeps no other.
func (a *Activities) SweepBulk(ctx context.Context, in SweepBulk) (swept SweptBulk, err error) {
	defer beat(ctx)()
	for _, part := range []func(context.Context, SweepBulk, *SweptBulk) error{
		a.destroyExpiredKeys, a.remakeDays, a.endLostJobs, a.forgetBulk, a.removeExpiredDays, a.removeStrayDays, // what takes long comes last
	} {
		err = errors.Join(err, part(ctx, in, &swept))
	}
	return swept, verdict(ctx, err)
}

func (a *Activities) forgetBulk(ctx context.Context, in SweepBulk, _ *SweptBulk) error {
	return a.Bulk.ForgetBulk(ctx, in.Limits.Retention)
}

// destroyExpiredKeys makes every file whose time is over unreadable, wherever
// copies may be: that must not wait until the others are deleted.
func (a *Activities) destroyExpiredKeys(ctx context.Context, _ SweepBulk, _ *SweptBulk) error {
	return a.Bulk.DestroyExpiredDayKeys(ctx)
}

// remakeDays sees to it that somebody makes each outdated file again, whatever
// became of the run that was to do it.
func (a *Activities) remakeDays(ctx context.Context, _ SweepBulk, swept *SweptBulk) error {
	for after := ""; ; {
		outdated, err := a.Bulk.OutdatedDays(ctx, after, sweepPage)
		if err != nil || len(outdated) == 0 {
			return err
		}
		for _, file := range outdated {
			after = file.ID
			if err := a.Runs.MakeDayAgain(ctx, file.Account, file.Day); err != nil {
				return err
			}
			swept.Again++
		}
	}
}

func (a *Activities) removeExpiredDays(ctx context.Context, _ SweepBulk, swept *SweptBulk) error {
	for stuck := 0; ; {
		expired, err := a.Bulk.ExpiredDays(ctx, sweepPage+stuck)
		if err != nil || len(expired) <= stuck { // fewer where one of them got a new version
			return err
		}
		for _, file := range expired[stuck:] {
			err := a.removeDay(ctx, file.ID, Satchel)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				logged(ctx, "a day file could not be removed", file.ID, err)
				stuck++
				swept.Stuck++
			default:
				swept.Expired++
			}
		}
		if stuck > sweepPage {
			return nil // the next sweep goes on
		}
	}
}

func (a *Activities) removeStrayDays(ctx context.Context, in SweepBulk, swept *SweptBulk) error {
	var page []string
	sweep := func() error {
		known, err := a.Bulk.KnownDays(ctx, page)
		if err != nil {
			return err
		}
		for _, file := range page {
			if known[file] {
				continue
			}
			removed, err := a.removeOld(ctx, schema.DayPrefix(file), in.Grace)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				logged(ctx, "a stray day file could not be removed", file, err)
				swept.Stuck++
			case removed:
				swept.Strays++
			}
		}
		page = page[:0]
		return nil
	}
	for file, err := range a.Vault.Folders(ctx, schema.DayFolder) {
		if err != nil {
			return err
		}
		if !schema.IsDayFileID(file) {
			continue
		}
		if page = append(page, file); len(page) == sweepPage {
			if err := sweep(); err != nil {
				return err
			}
		}
	}
	return sweep()
}

// removeOld removes what is stored under a prefix once nothing was stored
// there for the grace.
func (a *Activities) removeOld(ctx context.Context, prefix string, grace time.Duration) (removed bool, err error) {
	stored, err := a.Vault.LastStored(ctx, prefix)
	if err != nil || time.Since(stored) < grace {
		return false, err
	}
	_, err = a.Vault.Remove(ctx, prefix)
	return err == nil, err
}

func (a *Activities) endLostJobs(ctx context.Context, in SweepBulk, swept *SweptBulk) error {
	for after := ""; ; {
		jobs, err := a.Bulk.OverdueJobs(ctx, in.Grace, after, sweepPage)
		if err != nil || len(jobs) == 0 {
			return err
		}
		for _, job := range jobs {
			after = job.ID
			open, err := a.Runs.IsJobOpen(ctx, job.ID)
			if err != nil {
				return err
			}
			if open {
				continue
			}
			if _, err := a.Bulk.EndJob(ctx, job.ID); err != nil {
				return err
			}
			swept.Jobs++
		}
	}
}
