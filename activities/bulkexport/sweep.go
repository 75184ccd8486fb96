package bulkexport

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"satchel/activities"
	"satchel/activities/mail"
	"satchel/schema"
)

// DestroyExpiredKeys makes every expired day file unreadable, wherever copies of it
// may be, before any of them is deleted.
func (a *Activities) DestroyExpiredKeys(ctx context.Context) error {
	return activities.ToApplicationError(ctx, a.Store.DestroyExpiredDayKeys(ctx))
}

// PurgeBulkInput is the input of PurgeBulk.
type PurgeBulkInput struct {
	Retention time.Duration // of jobs and events that have ended
}

// PurgeBulk deletes the rows of jobs and events that ended long ago.
func (a *Activities) PurgeBulk(ctx context.Context, in PurgeBulkInput) error {
	return activities.ToApplicationError(ctx, a.Store.PurgeBulk(ctx, in.Retention))
}

// RemoveExpiredDayFilesResult is the result of RemoveExpiredDayFiles.
type RemoveExpiredDayFilesResult struct {
	Removed int
	Failed  int // that could not be removed; the others were all the same
}

// RemoveExpiredDayFiles deletes expired day files. One that cannot be removed does
// not stop the others.
func (a *Activities) RemoveExpiredDayFiles(ctx context.Context) (RemoveExpiredDayFilesResult, error) {
	defer activities.Heartbeat(ctx)()
	result, err := a.removeExpiredDayFiles(ctx)
	return result, activities.ToApplicationError(ctx, err)
}

func (a *Activities) removeExpiredDayFiles(ctx context.Context) (result RemoveExpiredDayFilesResult, err error) {
	for {
		expired, err := a.Store.ExpiredDayFiles(ctx, activities.SweepPage+result.Failed)
		if err != nil || len(expired) <= result.Failed { // fewer where one of them was replaced
			return result, err
		}
		if err := a.removeDayFiles(ctx, expired[result.Failed:], &result); err != nil {
			return result, err
		}
		if result.Failed > activities.SweepPage {
			return result, nil // the next sweep continues
		}
	}
}

// removalsAtOnce is how many day files are removed at a time: a removal is a few
// requests to the storage, one after the other.
const removalsAtOnce = 16

func (a *Activities) removeDayFiles(ctx context.Context, files []schema.DayFile, result *RemoveExpiredDayFilesResult) error {
	var mu sync.Mutex
	var removing errgroup.Group
	removing.SetLimit(removalsAtOnce)
	for _, file := range files {
		removing.Go(func() error {
			err := a.removeDayFile(ctx, file.ID, activities.Satchel)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				logError(ctx, "day file not removed", file.ID, err)
				result.Failed++
			default:
				result.Removed++
			}
			return nil
		})
	}
	return removing.Wait()
}

// RemoveOrphanedDayFiles deletes the objects of day files that have no row, and the
// rows of day files whose objects are gone.
func (a *Activities) RemoveOrphanedDayFiles(ctx context.Context, in activities.RemoveOrphansInput) (activities.RemoveOrphansResult, error) {
	defer activities.Heartbeat(ctx)()
	result, err := activities.Orphans{
		Vault: a.Vault, Folder: schema.DayFilesPrefix, IsID: schema.IsDayFileID, Prefix: schema.DayFilePrefix, Now: a.Store.Now,
		Rows: activities.OrphanRows{
			Owned: a.Store.ExistingDayFiles, Stored: a.Store.StoredDayFiles, RecordOrphan: a.Store.RecordOrphan, RecordMissing: a.Store.DeleteMissingDayFile,
		},
	}.Remove(ctx, in.Grace)
	return result, activities.ToApplicationError(ctx, err)
}

// SweepJobsInput is the input of EndAbandonedJobs and FindUndelivered.
type SweepJobsInput struct {
	Grace  time.Duration // how late something must be
	Limits schema.BulkLimits
}

// Undelivered lists webhooks and e-mails to send.
type Undelivered struct {
	Webhooks []UndeliveredWebhook
	Emails   []activities.SendEmailInput
}

// UndeliveredWebhook is a webhook to deliver.
type UndeliveredWebhook struct{ Event, Account string }

// maxUndelivered bounds the webhooks of one result, and its e-mails: a history has
// to hold it. The next sweep continues.
const maxUndelivered = 500

// EndAbandonedJobsResult is the result of EndAbandonedJobs.
type EndAbandonedJobsResult struct {
	Ended int
	Undelivered
}

// EndAbandonedJobs ends jobs whose run is gone, as the run would have done.
func (a *Activities) EndAbandonedJobs(ctx context.Context, in SweepJobsInput) (EndAbandonedJobsResult, error) {
	defer activities.Heartbeat(ctx)()
	result, err := a.endAbandonedJobs(ctx, in)
	return result, activities.ToApplicationError(ctx, err)
}

func (a *Activities) endAbandonedJobs(ctx context.Context, in SweepJobsInput) (result EndAbandonedJobsResult, err error) {
	for after := ""; ; {
		jobs, err := a.Store.OverdueJobs(ctx, in.Grace, after, activities.SweepPage)
		if err != nil || len(jobs) == 0 {
			return result, err
		}
		for _, id := range jobs {
			after = id
			open, err := a.Runs.IsJobOpen(ctx, id)
			if err != nil {
				return result, err
			}
			if open {
				continue
			}
			job, end, err := a.endJob(ctx, id)
			if err != nil {
				return result, err
			}
			result.Ended++
			if end.Event != "" {
				result.Webhooks = append(result.Webhooks, UndeliveredWebhook{end.Event, job.Account})
			}
			if end.Email {
				result.Emails = append(result.Emails, endedEmail(job.ID, job.Account, in.Limits))
			}
			if result.Ended == maxUndelivered {
				return result, nil
			}
		}
	}
}

// FindUndelivered finds webhooks and e-mails whose run was lost, or never started.
func (a *Activities) FindUndelivered(ctx context.Context, in SweepJobsInput) (Undelivered, error) {
	defer activities.Heartbeat(ctx)()
	var found Undelivered
	err := a.findWebhooks(ctx, in, &found)
	if err == nil {
		err = a.findEmails(ctx, in, &found)
	}
	return found, activities.ToApplicationError(ctx, err)
}

func (a *Activities) findWebhooks(ctx context.Context, in SweepJobsInput, found *Undelivered) error {
	for after := ""; ; {
		events, err := a.Store.PendingEvents(ctx, in.Grace, after, activities.SweepPage)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if len(found.Webhooks) >= maxUndelivered {
				return nil
			}
			after = e.ID
			open, err := a.Runs.IsWebhookOpen(ctx, e.ID)
			if err != nil {
				return err
			}
			if !open {
				found.Webhooks = append(found.Webhooks, UndeliveredWebhook{e.ID, e.Account})
			}
		}
	}
}

func (a *Activities) findEmails(ctx context.Context, in SweepJobsInput, found *Undelivered) error {
	name := jobEndedEmail(schema.Job{}, mail.Data{}).Name()
	for after := ""; ; {
		jobs, err := a.Store.JobsWithoutEmail(ctx, name, in.Grace, schema.EmailRetryWindow, after, activities.SweepPage)
		if err != nil || len(jobs) == 0 {
			return err
		}
		for _, job := range jobs {
			if len(found.Emails) >= maxUndelivered {
				return nil
			}
			after = job.ID
			open, err := a.Runs.IsEmailOpen(ctx, job.ID, JobEndedEmail)
			if err != nil {
				return err
			}
			if !open {
				found.Emails = append(found.Emails, endedEmail(job.ID, job.Account, in.Limits))
			}
		}
	}
}

func endedEmail(job, account string, limits schema.BulkLimits) activities.SendEmailInput {
	return activities.SendEmailInput{About: job, Account: account, Kind: JobEndedEmail, Retention: limits.Retention}
}
