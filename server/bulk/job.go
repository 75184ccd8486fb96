package bulk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/server/limit"
	"satchel/workflows/bulkexport"
	"satchel/workflows/client"
)

// CreateJob creates a job and returns it with its queue position, once its days are taken from
// the quota. If the form is Invalid, the quota does not suffice or a dependency is
// unavailable, nothing is created and no quota is used.
func (b *Bulk) CreateJob(ctx context.Context, p auth.Principal, form JobForm, t schema.ResourceType) (schema.Job, schema.QueueStatus, error) {
	now, err := b.Store.Now(ctx)
	if err != nil {
		return schema.Job{}, schema.QueueStatus{}, err
	}
	deadline := now.Add(client.UpdateTimeout(ctx) - answerMargin)
	valid, err := b.validate(form, b.newestDay(now))
	if err != nil {
		return schema.Job{}, schema.QueueStatus{}, err
	}
	quotaAccount, err := b.quotaAccount(ctx, p.Account)
	if err != nil {
		return schema.Job{}, schema.QueueStatus{}, err
	}
	job := schema.Job{
		ID: schema.NewJobID(), Account: p.Account, Type: t, Name: valid.Name, Start: valid.start, End: valid.end,
		Hook: valid.Hook, Email: valid.Email, RequestedBy: p.User, CreatedAt: now,
	}
	sealed, err := b.seal(ctx, valid.JobRequest, p.Account, schema.SealedJob(job.ID))
	if err != nil {
		return schema.Job{}, schema.QueueStatus{}, err
	}
	err = b.openJob(ctx, bulkexport.BulkJobInput{
		ID: job.ID, Account: job.Account, QuotaAccount: quotaAccount, Type: t, Start: job.Start, End: job.End,
		RequestedBy: job.RequestedBy, Sealed: sealed, Until: deadline, Limits: b.Limits,
	})
	if err != nil {
		return schema.Job{}, schema.QueueStatus{}, err
	}
	if stored, queue, err := b.Job(ctx, p, job.ID); err == nil {
		return stored, queue, nil
	}
	// The job exists although it cannot be read back: an error would make the client repeat it.
	for _, day := range job.Start.To(job.End) {
		job.Days = append(job.Days, schema.JobDay{Day: day, Status: schema.DaySubmitted})
	}
	return job, schema.QueueStatus{}, nil
}

// maxConcurrentOpens jobs are opened at the same time; others wait up to openSlotTimeout.
// Without the bound, a burst would exceed what workers can open in time, and all would fail.
// The longest wait goes first, and maxWaitingOpens of one account and its subaccounts may
// wait, so that they delay those of others by less than a second.
const (
	maxConcurrentOpens = 16
	maxWaitingOpens    = 64
	openSlotTimeout    = 2 * time.Second
)

// answerMargin is how much longer the server waits for the result of opening a job than the
// job can still be opened, so that the result is known.
const answerMargin = 500 * time.Millisecond

// openJob starts the job's workflow and waits for its result. If the result is not known in
// time, the job's row decides, which no longer changes by then. Only if the row cannot be read
// either may the caller get an error for a job that exists, is listed and uses quota.
func (b *Bulk) openJob(ctx context.Context, in bulkexport.BulkJobInput) error {
	end, ok := b.opening.Begin(in.QuotaAccount)
	if !ok {
		return limit.Refuse(limit.JobsBeingCreated, schema.CodeTooManyJobs, openSlotTimeout,
			"Too many jobs of this account are being created at once. Please create them one after the other.")
	}
	defer end()
	select {
	case b.openSlots <- struct{}{}:
		defer func() { <-b.openSlots }()
		err := client.OpenBulkJob(ctx, b.Temporal, in)
		if known, ok := errors.AsType[*schema.Error](err); ok && known.Code == schema.CodeQuota {
			limit.Count(limit.JobDays)
		}
		if schema.KindOf(err) != schema.Unavailable {
			return err
		}
		if exists, readErr := b.Store.HasJob(ctx, in.Account, in.ID); exists && readErr == nil {
			return nil
		}
		return err
	case <-time.After(openSlotTimeout):
		busy := schema.Errorf(schema.Unavailable, schema.CodeBusy, "Too many jobs are being created right now. Please try again in a moment.")
		busy.RetryAfter = openSlotTimeout
		return busy
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *Bulk) seal(ctx context.Context, what any, account, purpose string) ([]byte, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	sealed, err := b.Vault.Seal(ctx, text, account, purpose)
	if err != nil {
		return nil, fmt.Errorf("seal for %s: %w", account, err)
	}
	return sealed, nil
}

// quotaAccount returns the account whose quota an account uses: its parent or, without one,
// itself.
func (b *Bulk) quotaAccount(ctx context.Context, account string) (string, error) {
	a, err := b.Directory.Account(ctx, account)
	if err != nil {
		return "", err
	}
	return cmp.Or(a.Parent, account), nil
}

// Job returns a job of the caller's account and its queue position. Ended jobs are found for
// the retention period.
func (b *Bulk) Job(ctx context.Context, p auth.Principal, id string) (schema.Job, schema.QueueStatus, error) {
	if !schema.IsJobID(id) {
		return schema.Job{}, schema.QueueStatus{}, schema.Errorf(schema.NotFound, schema.CodeJobNotFound, "There is no such job.")
	}
	job, err := b.Store.AccountJob(ctx, p.Account, id, b.Limits.Retention)
	if err != nil || job.EndedAt != nil {
		return job, schema.QueueStatus{}, err
	}
	queue, err := b.Store.Queue(ctx, id)
	return job, queue, err
}

// Jobs returns jobs of the caller's account, newest first, and the queue position of each open
// one. The zero type means all types, the zero cursor the first page.
func (b *Bulk) Jobs(ctx context.Context, p auth.Principal, t schema.ResourceType, before store.JobCursor, limit int) ([]schema.Job, map[string]schema.QueueStatus, error) {
	list, err := b.Store.Jobs(ctx, p.Account, t, b.Limits.Retention, before, limit)
	if err != nil {
		return nil, nil, err
	}
	var open []string
	for _, job := range list {
		if job.EndedAt == nil {
			open = append(open, job.ID)
		}
	}
	queues, err := b.Store.Queues(ctx, open)
	return list, queues, err
}

// DeleteJob deletes a job that has not ended; if it has ended, the error is a Conflict.
// Completed days keep their files. Deleting a job that is being deleted changes nothing.
func (b *Bulk) DeleteJob(ctx context.Context, p auth.Principal, id string) error {
	job, _, err := b.Job(ctx, p, id)
	switch {
	case err != nil:
		return err
	case job.EndedAt == nil && job.DeletingAt != nil:
		return nil
	case job.EndedAt != nil || allEnded(job.Days):
		return jobEnded()
	}
	err = client.StopBulkJob(ctx, b.Temporal, id, p.Actor())
	if schema.KindOf(err) != schema.Unavailable {
		return err
	}
	// The job may have ended in the meantime, or only the response was lost.
	if job, _, readErr := b.Job(ctx, p, id); readErr == nil {
		switch {
		case job.DeletingAt != nil:
			return nil
		case job.EndedAt != nil:
			return jobEnded()
		}
	}
	return err
}

func jobEnded() error {
	return schema.Errorf(schema.Conflict, schema.CodeJobEnded, "This job has already ended.")
}

func allEnded(days []schema.JobDay) bool {
	for _, d := range days {
		if !d.Status.Ended() {
			return false
		}
	}
	return true
}
