package bulkexport

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// OpenJobInput is the input of OpenJob. What the requester typed is encrypted: it
// must not be readable in histories.
type OpenJobInput struct {
	Job          string
	Account      string
	QuotaAccount string // the parent account, or the account itself
	Type         schema.ResourceType
	Start, End   schema.Day
	RequestedBy  string // user ID, or "" where the account's own credentials requested it
	Sealed       []byte // schema.JobRequest as JSON, for schema.SealedJob
	QuotaDays    int
	Until        time.Time // by the database's clock: from then on it is rejected
}

// OpenJob writes a job and takes its days from the quota, or returns a rejection. A
// retry takes no more days. After Until it returns only whether the job exists.
func (a *Activities) OpenJob(ctx context.Context, in OpenJobInput) (Rejection, error) {
	var request schema.JobRequest
	if err := a.unseal(ctx, in.Sealed, in.Account, schema.SealedJob(in.Job), &request); err != nil {
		return Rejection{}, activities.ToApplicationError(ctx, err)
	}
	rejection, err := splitRejection(a.Store.OpenJob(ctx, schema.NewJob{
		JobRequest: request, ID: in.Job, Account: in.Account, QuotaAccount: in.QuotaAccount, Type: in.Type,
		Start: in.Start, End: in.End, RequestedBy: in.RequestedBy, QuotaDays: in.QuotaDays, Deadline: in.Until,
	}))
	return rejection, activities.ToApplicationError(ctx, err)
}

func (a *Activities) unseal(ctx context.Context, sealed []byte, account, purpose string, into any) error {
	text, err := a.Secrets.Unseal(ctx, sealed, account, purpose)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return errors.New("decrypted input is not valid JSON") // without its cause, which could quote it
	}
	return nil
}

// StopJobInput is the input of StopJob.
type StopJobInput struct {
	Job string
	By  string // user or credential ID
}

// StopJob marks a job as to be deleted, or returns a rejection.
func (a *Activities) StopJob(ctx context.Context, in StopJobInput) (Rejection, error) {
	rejection, err := splitRejection(a.Store.StopJob(ctx, in.Job, in.By))
	return rejection, activities.ToApplicationError(ctx, err)
}

// EndJobInput is the input of EndJob.
type EndJobInput struct{ Job string }

// EndJobResult says who is to be notified of a job's end.
type EndJobResult struct {
	Event string // to be delivered to the job's webhook; "" where it has none
	Email bool   // to the job's address
}

// EndJob ends a job and writes the one event of it. There are no notifications of
// a job that was deleted.
func (a *Activities) EndJob(ctx context.Context, in EndJobInput) (EndJobResult, error) {
	_, result, err := a.endJob(ctx, in.Job)
	return result, activities.ToApplicationError(ctx, err)
}

func (a *Activities) endJob(ctx context.Context, id string) (job schema.Job, result EndJobResult, err error) {
	job, err = a.Store.EndJob(ctx, id)
	if err != nil || job.DeletingAt != nil {
		return job, result, err
	}
	result.Email = job.Email != ""
	if job.URL == "" {
		return job, result, nil
	}
	event := schema.Event{
		ID: eventID(job.ID), Account: job.Account, Type: job.Type, Job: job.ID, Hook: job.Hook,
		EventResult: schema.EventResult{Name: job.Name, Start: job.Start, End: job.End},
	}
	for _, d := range job.Days {
		event.Add(d.Status)
	}
	result.Event = event.ID
	return job, result, a.Store.OpenEvent(ctx, event)
}

// MarkDayFailedInput is the input of MarkDayFailed.
type MarkDayFailedInput struct {
	Job string
	Day schema.Day
}

// MarkDayFailed moves a day of a job that could not be written to Failed.
func (a *Activities) MarkDayFailed(ctx context.Context, in MarkDayFailedInput) error {
	return activities.ToApplicationError(ctx, a.Store.MarkDayFailed(ctx, in.Job, in.Day))
}
