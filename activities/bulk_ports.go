package activities

import (
	"context"
	"net/url"
	"time"

	"satchel/schema"
)

// BulkStore keeps the rows of bulk exports; see package store for what each
// promises.
type BulkStore interface {
	// OpenJob writes the job with all its days, and takes them from the family's
	// quota of the day, all or nothing. A job that is there stays as it is. Where
	// the quota does not reach it is a schema.Error of kind Limited, and once its
	// time is over one with the code CodeTooLate.
	OpenJob(ctx context.Context, o schema.JobOpening) error
	Job(ctx context.Context, id string) (schema.Job, error)
	// BeginDay moves a day that waits, or was begun, to Running, and answers false
	// where it has ended or is to be deleted.
	BeginDay(ctx context.Context, job string, day schema.Day) (bool, error)
	// TroubleDay moves a running day to ErrorDuringRun.
	TroubleDay(ctx context.Context, job string, day schema.Day) error
	// FailDay moves a day that has not ended to Failed.
	FailDay(ctx context.Context, job string, day schema.Day) error
	// StopJob notes that a job is to be deleted: days that wait are Deleted, running
	// ones RunningToBeDeleted. A job that has ended is a Conflict; a second call
	// changes nothing.
	StopJob(ctx context.Context, job, by string) error
	// EndJob ends a job whose days are all through, or are to be deleted: those that
	// have not ended become Deleted where the job is to be deleted, else Failed.
	// Run again it answers the same.
	EndJob(ctx context.Context, job string) (schema.Job, error)
	// OverdueJobs lists the IDs of jobs without an end that were asked for longer
	// than grace ago, in order, behind after.
	OverdueJobs(ctx context.Context, grace time.Duration, after string, limit int) ([]string, error)
	// UnmailedJobs lists ID and account of jobs that ended longer than grace ago, and
	// no longer than within, and whose letter to their address is not settled.
	UnmailedJobs(ctx context.Context, letter string, grace, within time.Duration, after string, limit int) ([]schema.Job, error)
	// ForgetBulk deletes jobs that ended longer than kept ago, with their days and
	// letters; events that are through and as old; and quotas of days gone by.
	ForgetBulk(ctx context.Context, kept time.Duration) error

	// Now is the time by the database's clock.
	Now(ctx context.Context) (time.Time, error)
	// PublishDay makes a file the one of its account, type and day, and, with a job,
	// its day Completed or CompletedEmptyRecords, in one transaction. It answers
	// the ID of the file that it replaces, or of f itself where it is not to be seen after
	// all: its job's day does not run any more, or it was made again and there is nothing to replace.
	// ErrOvertaken: calls of the day were erased since it was read, or that was so long ago that the sweep may have deleted its object.
	PublishDay(ctx context.Context, f schema.NewDayFile) (useless string, err error)
	// ExpiredDays lists day files whose time is over, oldest first.
	ExpiredDays(ctx context.Context, limit int) ([]schema.DayFile, error)
	// DestroyExpiredDayKeys blanks the keys of all files whose time is over.
	DestroyExpiredDayKeys(ctx context.Context) error
	// DestroyDayKey blanks the file's key: from then on it can neither be read nor is it listed.
	DestroyDayKey(ctx context.Context, file string) error
	// DestroyLatestDayKey does so to the file, or to what it was made into again meanwhile, and answers which it is:
	// from then on it is not made again. It answers "" where it is gone, or was replaced by one with a time of its own.
	DestroyLatestDayKey(ctx context.Context, f schema.DayFile) (file string, err error)
	// DropDay deletes the file's row and writes the certificate.
	DropDay(ctx context.Context, file, by string, cert schema.Certificate) error
	// KnownDays tells which of the files have a row.
	KnownDays(ctx context.Context, files []string) (map[string]bool, error)

	// EraseCalls notes calls as erased, each once, with an audit row for each that is new. No file that
	// was read before it is published after it. All of them are due at once.
	EraseCalls(ctx context.Context, account, by string, calls []schema.Erasure) error
	// Erased lists the account's erased calls of a day, in order.
	Erased(ctx context.Context, account string, day schema.Day) ([]string, error)
	// DueErasures lists erased calls that are to be deleted from the archive, or deleted there again, the longest due
	// first, up to limit calls.
	DueErasures(ctx context.Context, limit int) ([]schema.Erasures, error)
	// NoteErased notes that erased calls are not in the archive now. They are due again in a day, while the platform may
	// still move them there.
	NoteErased(ctx context.Context, e schema.Erasures) error
	// Outdated tells whether the account's file of calls of a day is there and has one that was erased since it was published.
	Outdated(ctx context.Context, account string, day schema.Day) (bool, error)
	// OutdatedDays lists all such files by ID, behind after.
	OutdatedDays(ctx context.Context, after string, limit int) ([]schema.DayFile, error)

	Configuration(ctx context.Context, account string, t schema.ResourceType) (schema.BulkConfiguration, error)
	// Configure changes what c names, with an audit row where it was not so before. Half a webhook is Invalid, and
	// changes nothing.
	Configure(ctx context.Context, account string, t schema.ResourceType, by string, c schema.BulkChange) (schema.BulkConfiguration, error)
	// NoteSeen notes whether the platform shows the account of a daily export, and answers for how long it has not.
	NoteSeen(ctx context.Context, account string, t schema.ResourceType, seen bool) (time.Duration, error)

	// OpenEvent writes an event. One that is there stays as it is.
	OpenEvent(ctx context.Context, e schema.Event) error
	Event(ctx context.Context, id string) (schema.Event, error)
	// PendingEvents lists ID and account of pending events that happened longer
	// than grace ago, in the order of their IDs, behind after.
	PendingEvents(ctx context.Context, grace time.Duration, after string, limit int) ([]schema.Event, error)
	// NoteTry adds to the event's log; a delivered one is then Delivered.
	NoteTry(ctx context.Context, event string, t schema.EventTry) error
	// ReopenEvent makes a GivenUp or Delivered event Pending again, to be sent once more.
	ReopenEvent(ctx context.Context, event string) error
	// GiveUpEvent moves a pending event to GivenUp.
	GiveUpEvent(ctx context.Context, event string) error

	// Unsubscribed tells which of these people want no notices of jobs.
	Unsubscribed(ctx context.Context, users []string) (map[string]bool, error)
}

// BulkSource reads the platform's records of whole days.
type BulkSource interface {
	// ReadDay lends do the records of one type that the account has of a UTC day, without those of erased calls,
	// ordered by creation and SID, as JSON text.
	ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(rows DayRows) error) error
	// SigningKey is the account's auth token as the deployment's key sealed it.
	SigningKey(ctx context.Context, account string) (sealed []byte, err error)
}

// DayRows are records as JSON text.
type DayRows = schema.RecordReader

// Archive is the platform's own archive of calls that are too old for its database.
type Archive interface {
	// EraseCalls deletes calls of the account from it. Deleting what is gone succeeds.
	EraseCalls(ctx context.Context, account string, calls []string) error
}

// Secrets are small secrets sealed by the deployment's key.
type Secrets interface {
	Unseal(ctx context.Context, sealed []byte, account, purpose string) ([]byte, error)
}

// Hooks delivers webhooks; see package hook.
type Hooks interface {
	// Deliver makes one signed request, POST or GET, with the parameters. token is the event's ID. It
	// answers what the log may know of the attempt; err is nil when it was delivered.
	Deliver(ctx context.Context, to schema.Hook, token string, key []byte, params url.Values) (schema.EventTry, error)
}

// Schedules are Temporal's, for daily exports.
type Schedules interface {
	// SetDaily makes the daily schedule of an account and type, or removes it.
	SetDaily(ctx context.Context, account string, t schema.ResourceType, enabled bool) error
}
