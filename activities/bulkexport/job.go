package activities

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"

	"satchel/schema"
)

// OpenJob is what OpenJob is told. What the job's maker typed is sealed: it is
// not for histories.
type OpenJob struct {
	Job         string
	Account     string
	Family      string
	Type        schema.ResourceType
	Start, End  schema.Day
	RequestedBy string // user ID, or "" where the account's own credentials asked
	Sealed      []byte // schema.JobRequest as JSON, for schema.SealedJob
	QuotaDays   int
	Until       time.Time // by the database's clock: from then on it is refused
}

// Refusal is why something can not be had. The zero Refusal is none.
type Refusal struct {
	Kind       schema.Kind
	Code       string
	Message    string
	RetryAfter time.Duration
}

// Err is the refusal as an error, nil for none.
func (r Refusal) Err() error {
	if r.Kind == "" {
		return nil
	}
	err := schema.Errorf(r.Kind, r.Code, "%s", r.Message)
	err.RetryAfter = r.RetryAfter
	return err
}

// refused splits what can not be had from what went wrong.
func refused(err error) (Refusal, error) {
	if e, ok := errors.AsType[*schema.Error](err); ok && (e.Kind == schema.Limited || e.Code == schema.TooLate || final(e.Kind)) {
		return Refusal{e.Kind, e.Code, e.Message, e.RetryAfter}, nil
	}
	return Refusal{}, err
}

// OpenJob writes a job and takes its days from the family's quota, or says why
// not. Run again it costs nothing more, and once its time is over it answers for
// good whether the job is there.
func (a *Activities) OpenJob(ctx context.Context, in OpenJob) (Refusal, error) {
	var request schema.JobRequest
	if err := a.unseal(ctx, in.Sealed, in.Account, schema.SealedJob(in.Job), &request); err != nil {
		return Refusal{}, verdict(ctx, err)
	}
	refusal, err := refused(a.Bulk.OpenJob(ctx, schema.JobOpening{
		JobRequest: request, ID: in.Job, Account: in.Account, Family: in.Family, Type: in.Type,
		Start: in.Start, End: in.End, RequestedBy: in.RequestedBy, QuotaDays: in.QuotaDays, Until: in.Until,
	}))
	return refusal, verdict(ctx, err)
}

func (a *Activities) unseal(ctx context.Context, sealed []byte, account, purpose string, into any) error {
	text, err := a.Secrets.Unseal(ctx, sealed, account, purpose)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return errors.New("what was sealed is not understood") // the cause could hold some of it
	}
	return nil
}

// StopJob is what StopJob is told.
type StopJob struct {
	Job string
	By  string // user or credential ID
}

// StopJob notes that a job is to be deleted, or says why it can not be.
func (a *Activities) StopJob(ctx context.Context, in StopJob) (Refusal, error) {
	refusal, err := refused(a.Bulk.StopJob(ctx, in.Job, in.By))
	return refusal, verdict(ctx, err)
}

// EndJob is what EndJob is told.
type EndJob struct{ Job string }

// JobEnd is how a job ended, and who is to hear of it.
type JobEnd struct {
	Event string // to be delivered to the job's webhook; "" where it has none
	Mail  bool   // to the job's address
}

// EndJob ends a job and writes the one event that tells of it. Nobody hears of
// a job that was deleted.
func (a *Activities) EndJob(ctx context.Context, in EndJob) (JobEnd, error) {
	_, end, err := a.endJob(ctx, in.Job)
	return end, verdict(ctx, err)
}

func (a *Activities) endJob(ctx context.Context, id string) (job schema.Job, end JobEnd, err error) {
	job, err = a.Bulk.EndJob(ctx, id)
	if err != nil || job.DeletingAt != nil {
		return job, end, err
	}
	end.Mail = job.Email != ""
	if job.URL == "" {
		return job, end, nil
	}
	event := schema.Event{
		ID: eventID(job.ID), Account: job.Account, Type: job.Type, Job: job.ID, Hook: job.Hook,
		Result: schema.Result{Name: job.Name, Start: job.Start, End: job.End},
	}
	for _, d := range job.Days {
		event.Add(d.Status)
	}
	end.Event = event.ID
	return job, end, a.Bulk.OpenEvent(ctx, event)
}

// DailyEnd is what TellDaily is told.
type DailyEnd struct {
	Account string
	Type    schema.ResourceType
	Day     schema.Day
	Status  schema.DayStatus
}

// goneAfter is how long the platform must not have shown an account before its
// daily exports end: a view can be broken for days.
const goneAfter = 7 * 24 * time.Hour

// TellDaily writes the one event that tells of a daily export, and answers its
// ID, "" where the account has no webhook for the type. There is nobody to tell
// where the platform does not show the account any more; in the end its daily
// exports are switched off.
func (a *Activities) TellDaily(ctx context.Context, in DailyEnd) (event string, err error) {
	gone, err := a.gone(ctx, in)
	if err != nil || gone {
		return "", verdict(ctx, err)
	}
	wanted, err := a.Bulk.Configuration(ctx, in.Account, in.Type)
	if err != nil || wanted.URL == "" {
		return "", verdict(ctx, err)
	}
	e := schema.Event{
		ID: eventID(in.Account + "/" + string(in.Type) + "/" + string(in.Day)), Account: in.Account,
		Type: in.Type, Day: in.Day, Hook: wanted.Hook,
	}
	e.Add(in.Status)
	return e.ID, verdict(ctx, a.Bulk.OpenEvent(ctx, e))
}

// gone tells whether the platform does not show the account of a daily export
// that failed.
func (a *Activities) gone(ctx context.Context, in DailyEnd) (bool, error) {
	seen := true
	if in.Status == schema.DayFailed {
		_, err := a.Source.Account(ctx, in.Account)
		if seen = schema.KindOf(err) != schema.NotFound; seen && err != nil {
			return false, err
		}
	}
	unseen, err := a.Bulk.NoteSeen(ctx, in.Account, in.Type, seen)
	if err != nil || unseen < goneAfter {
		return !seen, err
	}
	logged(ctx, "a daily export has ended", in.Account, errors.New("the source database has not shown the account for a week"))
	off := false
	if _, err := a.Bulk.Configure(ctx, in.Account, in.Type, Satchel, schema.BulkChange{Enabled: &off}); err != nil {
		return true, err
	}
	return true, a.Schedules.SetDaily(ctx, in.Account, in.Type, false)
}

// eventID is the same for the same thing that happened, so that it happens once.
func eventID(what string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("satchel:"+what)).String()
}

// ConfigureBulk is what ConfigureBulk is told.
type ConfigureBulk struct {
	Account string
	Type    schema.ResourceType
	By      string // user or credential ID
	Sealed  []byte // schema.BulkChange as JSON, for schema.SealedChange; nil changes nothing
}

// ConfigureBulk changes what an account wants every day, and makes or removes
// the schedule that does it.
func (a *Activities) ConfigureBulk(ctx context.Context, in ConfigureBulk) (Refusal, error) {
	var change schema.BulkChange
	if in.Sealed != nil {
		if err := a.unseal(ctx, in.Sealed, in.Account, schema.SealedChange(in.Type), &change); err != nil {
			return Refusal{}, verdict(ctx, err)
		}
	}
	now, err := a.Bulk.Configure(ctx, in.Account, in.Type, in.By, change)
	if err == nil {
		err = a.Schedules.SetDaily(ctx, in.Account, in.Type, now.Enabled)
	}
	refusal, err := refused(err)
	return refusal, verdict(ctx, err)
}

// Erase is what EraseCalls is told.
type Erase struct {
	Account string
	By      string
	Calls   []schema.Erasure
}

// EraseCalls notes that calls are to be gone, so that no new file has them, has
// the files that do made again, and deletes the calls from the platform's archive.
// Where nobody has said where that is, nothing is done. What was noted and could
// not be finished is finished by the sweep.
func (a *Activities) EraseCalls(ctx context.Context, in Erase) (Refusal, error) {
	if a.Archive == nil {
		refusal, err := refused(schema.Errorf(schema.Forbidden, "no_archive",
			"Calls cannot be erased here: those who run this service have not said where old calls are kept."))
		return refusal, verdict(ctx, err)
	}
	if err := a.Bulk.EraseCalls(ctx, in.Account, in.By, in.Calls); err != nil {
		return Refusal{}, verdict(ctx, err) // they may be noted all the same: then the sweep does the rest
	}
	calls, days := make([]string, len(in.Calls)), make([]schema.Day, len(in.Calls))
	for i, c := range in.Calls {
		calls[i], days[i] = c.Call, c.Day
	}
	again := a.makeAgain(ctx, in.Account, days)
	return Refusal{}, verdict(ctx, errors.Join(again, a.Archive.EraseCalls(ctx, in.Account, calls)))
}

// makeAgain has the files of these days that need it made again.
func (a *Activities) makeAgain(ctx context.Context, account string, days []schema.Day) error {
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		outdated, err := a.Bulk.Outdated(ctx, account, day)
		if err == nil && outdated {
			err = a.Runs.MakeDayAgain(ctx, account, day)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ReopenEvent is what ReopenEvent is told.
type ReopenEvent struct{ Event string }

// ReopenEvent makes an event deliverable once more.
func (a *Activities) ReopenEvent(ctx context.Context, in ReopenEvent) error {
	return verdict(ctx, a.Bulk.ReopenEvent(ctx, in.Event))
}

func logged(ctx context.Context, what, id string, err error) {
	activity.GetLogger(ctx).Error(what, "id", id, "err", err)
}
