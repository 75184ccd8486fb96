package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"satchel/activities/mail"
	"satchel/schema"
)

// SweepBulk is what SweepBulk and EndLostJobs are told.
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
	Told    int // webhooks and mails that nobody was sending
}

// SweepBulk deletes day files whose time is over and objects that no row
// knows, has those with erased calls made again, deletes erased calls from the
// archive that came there since, and forgets what is long over.
// One thing that cannot be done keeps no other.
func (a *Activities) SweepBulk(ctx context.Context, in SweepBulk) (swept SweptBulk, err error) {
	defer beat(ctx)()
	for _, part := range []func(context.Context, SweepBulk, *SweptBulk) error{
		a.destroyExpiredKeys, a.remakeDays, a.forgetBulk, a.eraseAgain, a.removeExpiredDays, a.removeStrayDays, // what takes long comes last
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

const (
	erasePage  = 500
	erasePages = 10          // of one sweep; the next one goes on
	eraseFor   = time.Minute // an archive that does not answer must not keep the rest of the sweep
)

// eraseAgain deletes erased calls from the platform's archive that were not
// there yet when they were erased, or that it did not delete then.
func (a *Activities) eraseAgain(ctx context.Context, _ SweepBulk, _ *SweptBulk) error {
	if a.Archive == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, eraseFor)
	defer cancel()
	for range erasePages {
		due, err := a.Bulk.DueErasures(ctx, erasePage)
		if err != nil || len(due) == 0 {
			return err
		}
		var failed error // of one account keeps no other's
		for _, e := range due {
			err := a.Archive.EraseCalls(ctx, e.Account, e.Calls)
			if err == nil {
				err = a.Bulk.NoteErased(ctx, e)
			}
			failed = errors.Join(failed, err)
		}
		if failed != nil {
			return failed
		}
	}
	return nil
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

// Untold are webhooks and mails that somebody is to get, and nobody is sending.
type Untold struct {
	Jobs   int // that were ended, because their run was gone
	Events []UntoldEvent
	Mails  []JobMail
}

// UntoldEvent is a webhook that is to be delivered.
type UntoldEvent struct{ Event, Account string }

// mostTold bounds what is answered of webhooks, and of mails: a history has to
// hold it. The next sweep goes on.
const mostTold = 500

// mailedFor is how long the mail at a job's end is tried. One that is not out
// by then was given up.
const mailedFor = 24 * time.Hour

// EndLostJobs ends jobs whose run is gone, as that would have done, and finds
// whom nobody is telling of a job or of a daily export that is over.
func (a *Activities) EndLostJobs(ctx context.Context, in SweepBulk) (untold Untold, err error) {
	defer beat(ctx)()
	for _, part := range []func(context.Context, SweepBulk, *Untold) error{a.endLostJobs, a.findEvents, a.findMails} {
		if err := part(ctx, in, &untold); err != nil {
			return untold, verdict(ctx, err)
		}
	}
	return untold, nil
}

func (a *Activities) endLostJobs(ctx context.Context, in SweepBulk, untold *Untold) error {
	for after := ""; ; {
		jobs, err := a.Bulk.OverdueJobs(ctx, in.Grace, after, sweepPage)
		if err != nil || len(jobs) == 0 {
			return err
		}
		for _, id := range jobs {
			after = id
			open, err := a.Runs.IsJobOpen(ctx, id)
			if err != nil {
				return err
			}
			if open {
				continue
			}
			job, end, err := a.endJob(ctx, id)
			if err != nil {
				return err
			}
			untold.Jobs++
			if end.Event != "" {
				untold.Events = append(untold.Events, UntoldEvent{end.Event, job.Account})
			}
			if end.Mail {
				untold.Mails = append(untold.Mails, endedMail(job.ID, job.Account, in.Limits))
			}
			if untold.Jobs == mostTold {
				return nil
			}
		}
	}
}

// findEvents finds webhooks whose run was lost, or never began.
func (a *Activities) findEvents(ctx context.Context, in SweepBulk, untold *Untold) error {
	for after := ""; ; {
		events, err := a.Bulk.PendingEvents(ctx, in.Grace, after, sweepPage)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if len(untold.Events) >= mostTold {
				return nil
			}
			after = e.ID
			open, err := a.Runs.IsEventOpen(ctx, e.ID)
			if err != nil {
				return err
			}
			if found := (UntoldEvent{e.ID, e.Account}); !open && !slices.Contains(untold.Events, found) {
				untold.Events = append(untold.Events, found)
			}
		}
	}
}

// findMails finds mails at the end of a job whose run was lost, or never began.
func (a *Activities) findMails(ctx context.Context, in SweepBulk, untold *Untold) error {
	letter := endedLetter(schema.Job{}, mail.Data{}).name()
	for after := ""; ; {
		jobs, err := a.Bulk.UnmailedJobs(ctx, letter, in.Grace, mailedFor, after, sweepPage)
		if err != nil || len(jobs) == 0 {
			return err
		}
		for _, job := range jobs {
			if len(untold.Mails) >= mostTold {
				return nil
			}
			after = job.ID
			open, err := a.Runs.IsJobMailOpen(ctx, job.ID, JobEndedMail)
			if err != nil {
				return err
			}
			if found := endedMail(job.ID, job.Account, in.Limits); !open && !slices.Contains(untold.Mails, found) {
				untold.Mails = append(untold.Mails, found)
			}
		}
	}
}

func endedMail(job, account string, limits schema.BulkLimits) JobMail {
	return JobMail{Job: job, Account: account, Kind: JobEndedMail, Retention: limits.Retention}
}
