package activities

import (
	"context"
	"io"
	"iter"
	"time"

	"satchel/activities/mail"
	"satchel/schema"
)

// Store keeps Satchel's own rows; see package store for what each promises.
type Store interface {
	OpenExport(ctx context.Context, o schema.Opening) error
	ConfirmExport(ctx context.Context, export, by, recipient string, wrapped []byte) error
	NextGeneration(ctx context.Context, export string, generation int) error
	Export(ctx context.Context, id string) (schema.Export, error)

	Recipient(ctx context.Context, export string) (string, error)
	Place(ctx context.Context, export string, c schema.Category) (schema.Place, error)
	BeginCategory(ctx context.Context, export string, c schema.Category, expected int64) error
	AddPiece(ctx context.Context, export string, p schema.Piece, after string) error
	FinishCategory(ctx context.Context, export string, c schema.Category, pieces int, readAt time.Time) error
	Sections(ctx context.Context, export string) ([]schema.Section, error)

	AddSegments(ctx context.Context, export, objectKey string, segments []schema.Segment) error
	WrappedKey(ctx context.Context, export string) ([]byte, error)
	CompleteExport(ctx context.Context, export string, a schema.Archive, w schema.Windows) (schema.Export, error)
	BeginRemoval(ctx context.Context, export string, ending schema.Ending, by string) (stored bool, err error)
	AddRemoved(ctx context.Context, export string, removed schema.Certificate) error
	EndExport(ctx context.Context, export string, ending schema.Ending, by string, removed schema.Certificate) error

	Letters(ctx context.Context, export string) (map[string]bool, error)
	SettleLetter(ctx context.Context, export, letter string, sent bool) error

	Overdue(ctx context.Context, grace time.Duration, after string, limit int) ([]schema.Overdue, error)
	Unended(ctx context.Context, ids []string) (map[string]bool, error)
}

// Source reads the platform's database, which may be the customer's own.
type Source interface {
	People(ctx context.Context, account string) ([]schema.Person, error)
	Account(ctx context.Context, id string) (schema.Account, error)
	// ReadCategory lends do the rows of a category behind the key after, in key order,
	// as they stood at one moment. It is NotFound where the account is not to be
	// seen at that moment: else no rows would look like none to read.
	ReadCategory(ctx context.Context, c schema.Category, account, after string, do func(readAt time.Time, rows Rows) error) error
}

// Rows are the records of one category as JSON text.
type Rows = schema.RecordReader

// Vault keeps sealed objects and the keys to them; see package vault for what
// each promises.
type Vault interface {
	NewKey(ctx context.Context, account, export string) (recipient string, wrapped []byte, err error)
	Unlock(ctx context.Context, wrapped []byte, account, export string) (Opener, error)
	Put(ctx context.Context, key, recipient string, body []byte) error
	Create(ctx context.Context, key, recipient string, write func(io.Writer) error) (int64, error)
	Remove(ctx context.Context, prefix string) (schema.Certificate, error)
	Folders(ctx context.Context, under string) iter.Seq2[string, error]
	LastStored(ctx context.Context, prefix string) (time.Time, error)
}

// Opener reads the sealed objects of one export.
type Opener = schema.ObjectOpener

// Mailer sends one mail; see package mail.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// Runs tells of Temporal's workflows.
type Runs interface {
	// IsOpen tells whether this export's own run is still open.
	IsOpen(ctx context.Context, account, export string) (bool, error)
	// IsJobOpen tells whether a bulk job's own run is still open.
	IsJobOpen(ctx context.Context, job string) (bool, error)
	// IsEventOpen tells whether somebody is delivering this event.
	IsEventOpen(ctx context.Context, event string) (bool, error)
	// IsJobMailOpen tells whether somebody is sending this mail about a job.
	IsJobMailOpen(ctx context.Context, job string, kind MailKind) (bool, error)
	// MakeDayAgain starts the run that makes an account's file of calls of a day again, unless it is open.
	MakeDayAgain(ctx context.Context, account string, day schema.Day) error
}

// Counters add up what the worker has done, for its metrics.
type Counters interface {
	Wrote(c schema.Category, records, bytes int64)
	WroteDay(t schema.ResourceType, records, bytes int64)
	Mailed(kind mail.Kind, outcome string)
}
