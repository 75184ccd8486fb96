package bulkexport

import (
	"context"
	"io"
	"iter"
	"net/url"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// Store keeps the rows of bulk exports; see package store for what each method
// promises.
type Store interface {
	jobStore
	dayStore
	dayFileStore
	erasureStore
	configurationStore
	webhookStore
	sweepStore
}

type jobStore interface {
	// OpenJob writes the job with all its days, and takes them from the quota of the
	// UTC day, all or nothing. A job that is there stays as it is. Where the quota is
	// used up it returns a schema.Error of kind Limited, and after o.Deadline one with the
	// code CodeTooLate.
	OpenJob(ctx context.Context, o schema.NewJob) error
	Job(ctx context.Context, id string) (schema.Job, error)
	// StopJob marks a job as to be deleted: days that wait become Deleted, running
	// ones RunningToBeDeleted. A job that has ended is a Conflict; a second call
	// changes nothing.
	StopJob(ctx context.Context, job, by string) error
	// EndJob ends a job whose days have all ended, or are to be deleted: those that
	// have not ended become Deleted where the job is to be deleted, else Failed. Run
	// again it returns the same.
	EndJob(ctx context.Context, job string) (schema.Job, error)
}

type dayStore interface {
	// BeginDay moves a day that waits, or was begun, to Running, and returns false
	// where it has ended or is to be deleted.
	BeginDay(ctx context.Context, job string, day schema.Day) (bool, error)
	// MarkDayRetrying moves a running day to ErrorDuringRun.
	MarkDayRetrying(ctx context.Context, job string, day schema.Day) error
	// MarkDayFailed moves a day that has not ended to Failed.
	MarkDayFailed(ctx context.Context, job string, day schema.Day) error
}

type dayFileStore interface {
	// Now is the time by the database's clock.
	Now(ctx context.Context) (time.Time, error)
	// PublishDayFile makes a file the current one of its account, type and day, and, with
	// a job, its day Completed or CompletedEmptyRecords, in one transaction. It returns
	// the ID of the file that it replaces, or of f itself where f is not published: its
	// job's day does not run any more, or it is a rebuild and there is nothing to
	// replace. ErrStaleAttempt: calls of the day were erased since it was read, or that was
	// so long ago that the sweep may have deleted its object.
	PublishDayFile(ctx context.Context, f schema.NewDayFile) (obsolete string, err error)
	// DestroyDayKey blanks the file's key: from then on it can neither be read nor is it listed.
	DestroyDayKey(ctx context.Context, file string) error
	// DestroyLatestDayKey blanks the key of the file, or of its rebuild if there is one,
	// and returns that file's ID: it is not rebuilt any more. It returns "" if the file is
	// gone, or was replaced by one with another expiry.
	DestroyLatestDayKey(ctx context.Context, f schema.DayFile) (file string, err error)
	// DeleteDayRow deletes the file's row and writes the certificate.
	DeleteDayRow(ctx context.Context, file, by string, cert schema.Certificate) error
}

type erasureStore interface {
	// ErasedCalls lists the account's erased calls of a day, in order.
	ErasedCalls(ctx context.Context, account string, day schema.Day) ([]string, error)
	// EraseCalls records calls as erased, each once, with an audit row for each that is
	// new, and returns how many were. No file that was read before is published after it,
	// and files of their days are outdated. New calls, and those that were requested
	// again, are due at once.
	EraseCalls(ctx context.Context, r schema.ErasureRecord) (added int, err error)
	// ErasureLogPosition is the key of the last erasure in the bucket up to which all are
	// recorded, or "".
	ErasureLogPosition(ctx context.Context) (key string, err error)
	// AdvanceErasureLog moves that position.
	AdvanceErasureLog(ctx context.Context, key string) error
	// DueErasures lists up to perAccount erased calls of each of up to limit accounts, to
	// delete from the archive, or to delete there again. The account that has waited
	// longest comes first.
	DueErasures(ctx context.Context, limit, perAccount int) ([]schema.Erasures, error)
	// RecordErased records that erased calls are not in the archive now. They are due
	// again in a day, while the platform may still move them there.
	RecordErased(ctx context.Context, e schema.Erasures) error
	// RecordErasureFailed moves the account behind all others.
	RecordErasureFailed(ctx context.Context, account string) error
	// IsDayFileOutdated tells whether the account has a file of calls of a day with one that
	// was erased, or that the platform no longer shows.
	IsDayFileOutdated(ctx context.Context, account string, day schema.Day) (bool, error)
}

type configurationStore interface {
	Configuration(ctx context.Context, account string, t schema.ResourceType) (schema.BulkConfiguration, error)
	// Configure changes what c names, with an audit row where it was different before.
	// Half a webhook is Invalid, and changes nothing.
	Configure(ctx context.Context, account string, t schema.ResourceType, by string, c schema.BulkChange) (schema.BulkConfiguration, error)
	// RecordSourceVisible records whether the platform shows the account of a daily export, and
	// returns for how long it has not.
	RecordSourceVisible(ctx context.Context, account string, t schema.ResourceType, visible bool) (time.Duration, error)
}

type webhookStore interface {
	// OpenEvent writes an event. One that is there stays as it is.
	OpenEvent(ctx context.Context, e schema.Event) error
	Event(ctx context.Context, id string) (schema.Event, error)
	// RecordAttempt adds to the event's log; a delivered one is then Delivered.
	RecordAttempt(ctx context.Context, event string, t schema.EventAttempt) error
	// ReopenEvent makes a GivenUp or Delivered event Pending, to be sent once more.
	ReopenEvent(ctx context.Context, event string) error
	// MarkEventFailed moves a pending event to GivenUp.
	MarkEventFailed(ctx context.Context, event string) error
}

type sweepStore interface {
	// OverdueJobs lists the IDs of jobs without an end that were requested longer than
	// grace ago, in order, behind after.
	OverdueJobs(ctx context.Context, grace time.Duration, after string, limit int) ([]string, error)
	// JobsWithoutEmail lists ID and account of jobs that ended longer than grace ago, and no
	// longer than within, and whose e-mail of this name has no recorded outcome.
	JobsWithoutEmail(ctx context.Context, email string, grace, within time.Duration, after string, limit int) ([]schema.Job, error)
	// PendingEvents lists ID and account of pending events that happened longer than
	// grace ago, in the order of their IDs, behind after.
	PendingEvents(ctx context.Context, grace time.Duration, after string, limit int) ([]schema.Event, error)
	// UncheckedDayFiles lists files of calls that were checked, or published, longer than
	// ago, the oldest first.
	UncheckedDayFiles(ctx context.Context, ago time.Duration, limit int) ([]schema.DayFile, error)
	// RecordDayFileChecked records that a file was checked, and whether it is outdated.
	RecordDayFileChecked(ctx context.Context, file string, outdated bool) error
	// DayFile is the account's file of a type and day. One that may not be downloaded any
	// more is NotFound.
	DayFile(ctx context.Context, account string, t schema.ResourceType, day schema.Day) (schema.DayFile, error)
	// OpenDayFile also returns its key, still wrapped.
	OpenDayFile(ctx context.Context, id string) (f schema.DayFile, wrapped []byte, err error)
	// OutdatedDayFiles lists all such files, by ID, behind after.
	OutdatedDayFiles(ctx context.Context, after string, limit int) ([]schema.DayFile, error)
	// PurgeBulk deletes jobs that ended longer than kept ago, with their days and
	// e-mails; events that have ended and are as old; and quotas of past days.
	PurgeBulk(ctx context.Context, kept time.Duration) error
	// ExpiredDayFiles lists expired day files, oldest first.
	ExpiredDayFiles(ctx context.Context, limit int) ([]schema.DayFile, error)
	// DestroyExpiredDayKeys blanks the keys of all expired files.
	DestroyExpiredDayKeys(ctx context.Context) error
	// ExistingDayFiles tells which of the files have a row.
	ExistingDayFiles(ctx context.Context, files []string) (map[string]bool, error)
	// StoredDayFiles lists IDs of files that can be read, in order, after the given one.
	StoredDayFiles(ctx context.Context, after string, limit int) ([]string, error)
	// DeleteMissingDayFile deletes the row of a file whose object is gone.
	DeleteMissingDayFile(ctx context.Context, file string) error
	// RecordOrphan records that objects without a row were removed.
	RecordOrphan(ctx context.Context, id string, removed schema.Certificate) error
}

// EmailStore is what e-mails about a job say of it, and who unsubscribed.
type EmailStore interface {
	Job(ctx context.Context, id string) (schema.Job, error)
	// Unsubscribed tells which of these users want no e-mails about new jobs.
	Unsubscribed(ctx context.Context, users []string) (map[string]bool, error)
	// OftenNotified tells who got most e-mails about other new jobs of the job's account
	// within the time before it was created, or later.
	OftenNotified(ctx context.Context, job string, most int, within time.Duration) (map[string]bool, error)
}

// Source reads the platform's database.
type Source interface {
	activities.Accounts
	// ReadDay calls do with the records of one type that the account has of a UTC day,
	// without those of erased calls, ordered by creation and SID. The error has
	// schema.CodeDayNotWhole while the database may not have all of them.
	ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(rows schema.RecordReader) error) error
	// SigningKey is the account's auth token as the deployment's key encrypted it.
	SigningKey(ctx context.Context, account string) (sealed []byte, err error)
}

// Archive is the platform's own archive of calls that are too old for its database.
type Archive interface {
	// EraseCalls deletes calls of the account from it. Deleting what is gone succeeds.
	EraseCalls(ctx context.Context, account string, calls []string) error
}

// Vault keeps encrypted objects and their keys; see package vault for what each
// method promises.
type Vault interface {
	activities.OrphanVault
	NewKey(ctx context.Context, account, file string) (recipient string, wrapped []byte, err error)
	Unlock(ctx context.Context, wrapped []byte, account, file string) (schema.ObjectOpener, error)
	Create(ctx context.Context, key, recipient string, write func(io.Writer) error) (int64, error)
	// PutRecord stores a small record, encrypted with the deployment's key.
	PutRecord(ctx context.Context, key string, record []byte) error
	GetRecord(ctx context.Context, key string) ([]byte, error)
	// KeysAfter lists the keys under prefix behind after, in order.
	KeysAfter(ctx context.Context, prefix, after string) iter.Seq2[string, error]
}

// Secrets decrypts small secrets that the deployment's key encrypted.
type Secrets interface {
	Unseal(ctx context.Context, sealed []byte, account, purpose string) ([]byte, error)
}

// Hooks delivers webhooks; see package hook.
type Hooks interface {
	// Deliver makes one signed request, POST or GET, with the parameters. token is the
	// event's ID. It returns what the log may know of the attempt; err is nil when the
	// event was delivered.
	Deliver(ctx context.Context, to schema.Hook, token string, key []byte, params url.Values) (schema.EventAttempt, error)
}

// Runs reads and starts Temporal's workflow runs.
type Runs interface {
	// IsJobOpen tells whether a job's own run is open.
	IsJobOpen(ctx context.Context, job string) (bool, error)
	// IsWebhookOpen tells whether an event is being delivered.
	IsWebhookOpen(ctx context.Context, event string) (bool, error)
	// IsEmailOpen tells whether this e-mail about a job is being sent.
	IsEmailOpen(ctx context.Context, job string, kind activities.EmailKind) (bool, error)
	// RequestRebuild starts the run that rebuilds an account's file of calls of a day,
	// unless it is open.
	RequestRebuild(ctx context.Context, account string, day schema.Day) error
}

// Schedules are Temporal's, for daily exports.
type Schedules interface {
	// SetDaily makes the daily schedule of an account and type, or removes it.
	SetDaily(ctx context.Context, account string, t schema.ResourceType, enabled bool) error
}

// Counters add up the records that were written, and the webhooks that had to wait
// for others of their account, for metrics.
type Counters interface {
	WroteDay(t schema.ResourceType, records, bytes int64)
	WebhookWaited()
}
