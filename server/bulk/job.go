package bulk

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/workflows/bulkexport"
	"satchel/workflows/client"
)

// CreateJob asks for the days of a form. It answers the job and its place
// once its days are taken from the quota; nothing is done and nothing taken
// where the form is Invalid, the quota does not reach, or somebody we need is
// away.
func (b *Bulk) CreateJob(ctx context.Context, p auth.Principal, form JobForm, t schema.ResourceType) (schema.Job, schema.Queue, error) {
	now, err := b.Store.Now(ctx)
	if err != nil {
		return schema.Job{}, schema.Queue{}, err
	}
	until := now.Add(client.UpdateTimeout(ctx) - hearing)
	asked, err := b.check(form, b.newestDay(now))
	if err != nil {
		return schema.Job{}, schema.Queue{}, err
	}
	family, err := b.family(ctx, p.Account)
	if err != nil {
		return schema.Job{}, schema.Queue{}, err
	}
	job := schema.Job{
		ID: schema.NewJobID(), Account: p.Account, Type: t, Name: asked.Name, Start: asked.start, End: asked.end,
		Hook: asked.Hook, Email: asked.Email, RequestedBy: p.User, CreatedAt: now,
	}
	sealed, err := b.seal(ctx, asked.JobRequest, p.Account, schema.SealedJob(job.ID))
	if err != nil {
		return schema.Job{}, schema.Queue{}, err
	}
	err = b.openJob(ctx, bulkexport.BulkJobInput{
		ID: job.ID, Account: job.Account, QuotaAccount: family, Type: t, Start: job.Start, End: job.End,
		RequestedBy: job.RequestedBy, Sealed: sealed, Until: until, Limits: b.Limits,
	})
	if err != nil {
		return schema.Job{}, schema.Queue{}, err
	}
	if written, queue, lost := b.Job(ctx, p, job.ID); lost == nil {
		return written, queue, nil
	}
	for _, day := range job.Start.To(job.End) { // it is there: nobody must hear that it is not, and ask again
		job.Days = append(job.Days, schema.JobDay{Day: day, Status: schema.DaySubmitted})
	}
	return job, schema.Queue{}, nil
}

// How many jobs are opened at the same time, and how long the next waits for a
// place. More than workers can take would all be answered too late.
const (
	openingAtOnce = 16
	openingWait   = 2 * time.Second
)

// hearing is how much longer than a job can be opened its answer is waited for.
const hearing = 500 * time.Millisecond

// openJob opens a job. Where nobody says whether it is until its time is over,
// its row does, for good. Only where that can not be read either may a caller hear
// of trouble and have the job all the same, listed and with its days taken from
// the quota.
func (b *Bulk) openJob(ctx context.Context, in bulkexport.BulkJobInput) error {
	select {
	case b.opening <- struct{}{}:
		defer func() { <-b.opening }()
		err := client.OpenBulkJob(ctx, b.Temporal, in)
		if schema.KindOf(err) != schema.Unavailable {
			return err
		}
		if has, lost := b.Store.HasJob(ctx, in.Account, in.ID); has && lost == nil {
			return nil
		}
		return err
	case <-time.After(openingWait):
		busy := schema.Errorf(schema.Unavailable, "busy", "Too many jobs are being asked for right now. Please try again in a moment.")
		busy.RetryAfter = openingWait
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

// family is the account whose quota an account uses.
func (b *Bulk) family(ctx context.Context, account string) (string, error) {
	a, err := b.Directory.Account(ctx, account)
	if err != nil {
		return "", err
	}
	if a.Parent != "" {
		return a.Parent, nil
	}
	return account, nil
}

// Job finds a job of the caller's account and where it stands, for as long as
// jobs are kept after they ended.
func (b *Bulk) Job(ctx context.Context, p auth.Principal, id string) (schema.Job, schema.Queue, error) {
	if !schema.IsJobID(id) {
		return schema.Job{}, schema.Queue{}, schema.Errorf(schema.NotFound, "job_not_found", "There is no such job.")
	}
	job, err := b.Store.AccountJob(ctx, p.Account, id, b.Limits.Retention)
	if err != nil || job.EndedAt != nil {
		return job, schema.Queue{}, err
	}
	queue, err := b.Store.Queue(ctx, id)
	return job, queue, err
}

// Jobs lists jobs of the caller's account, newest first, and where those stand
// that have not ended. The zero type is all types, the zero cursor the
// beginning.
func (b *Bulk) Jobs(ctx context.Context, p auth.Principal, t schema.ResourceType, before store.JobCursor, limit int) ([]schema.Job, map[string]schema.Queue, error) {
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

// DeleteJob deletes a job that has not ended; a Conflict where it has. Days
// that are done keep their files. Deleting it again changes nothing.
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
	err = client.StopBulkJob(ctx, b.Temporal, id, by(p))
	if schema.KindOf(err) != schema.Unavailable {
		return err
	}
	if job, _, lost := b.Job(ctx, p, id); lost == nil { // it may have ended this very moment, or only the answer come too late
		switch {
		case job.DeletingAt != nil:
			return nil
		case job.EndedAt != nil:
			return jobEnded()
		}
	}
	return err
}

func jobEnded() error { return schema.Errorf(schema.Conflict, "job_ended", "This job has ended.") }

func allEnded(days []schema.JobDay) bool {
	for _, d := range days {
		if !d.Status.Ended() {
			return false
		}
	}
	return true
}
