package accountexport

import (
	"context"
	"io"
	"iter"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// Store keeps the rows of account exports; see package store for what each method
// promises.
type Store interface {
	lifecycleStore
	collectStore
	assembleStore
	sweepStore
}

type lifecycleStore interface {
	OpenExport(ctx context.Context, o schema.NewExport) error
	ConfirmExport(ctx context.Context, export, by, recipient string, wrapped []byte) error
	BeginRemoval(ctx context.Context, export string, ending schema.Ending, by string) (stored bool, err error)
	AddRemoved(ctx context.Context, export string, removed schema.Certificate) error
	EndExport(ctx context.Context, export string, ending schema.Ending, by string, removed schema.Certificate) error
}

type collectStore interface {
	pieceLedger
	StartCollecting(ctx context.Context, export string) (string, error)
	MarkCategoryWaiting(ctx context.Context, export string, c schema.Category) error
	ResumeCategory(ctx context.Context, export string, c schema.Category, query, damaged string) (schema.Checkpoint, error)
	BeginCategory(ctx context.Context, export string, c schema.Category, expected int64) error
	FinishCategory(ctx context.Context, export string, c schema.Category, query string, at schema.Checkpoint, end time.Time) error
}

// pieceLedger counts the pieces that were stored.
type pieceLedger interface {
	AddPiece(ctx context.Context, export string, p schema.Piece, query, after string) error
}

type assembleStore interface {
	Export(ctx context.Context, id string) (schema.Export, error)
	StartCollecting(ctx context.Context, export string) (string, error)
	Sections(ctx context.Context, export string) ([]schema.Section, error)
	AddSegments(ctx context.Context, export, objectKey string, segments []schema.Segment) error
	WrappedKey(ctx context.Context, export string) ([]byte, error)
	CompleteExport(ctx context.Context, export string, a schema.Archive, w schema.Windows) (schema.Export, error)
}

type sweepStore interface {
	Overdue(ctx context.Context, grace time.Duration, after string, limit int) ([]schema.OverdueExport, error)
	ActiveIDs(ctx context.Context, ids []string) (map[string]bool, error)
	PurgeHistory(ctx context.Context, r schema.HistoryRetention) error
	StoredExports(ctx context.Context, after string, limit int) ([]string, error)
	ExpireMissing(ctx context.Context, export string) error
	RecordOrphan(ctx context.Context, id string, removed schema.Certificate) error
	DestroyExpiredKeys(ctx context.Context) (int, error)
	ExportStates(ctx context.Context, ids []string, grace time.Duration) (map[string]schema.ExportState, error)
	RecordReconciled(ctx context.Context, account, export string, status, runStatus schema.Status) error
	Now(ctx context.Context) (time.Time, error)
}

// EmailStore is what e-mails about an export say of it.
type EmailStore interface {
	SetLinkVersion(ctx context.Context, export string, linkVersion int) error
	Export(ctx context.Context, id string) (schema.Export, error)
	// OftenNotified tells who got most notices of other exports of the account that were
	// cancelled, within the time before this one was requested, or later.
	OftenNotified(ctx context.Context, export string, most int, within time.Duration) (map[string]bool, error)
}

// Source reads the records of an account from the platform's database.
type Source interface {
	// CategoryHash identifies what a category's records look like. Records that were read
	// with another hash do not belong in the same array.
	CategoryHash(ctx context.Context, c schema.Category) (string, error)
	// ReadCategory calls do with the rows of a category that follow the key after, in key
	// order, as of one snapshot. It returns NotFound if that snapshot does not show the
	// account, since the category would look empty.
	ReadCategory(ctx context.Context, c schema.Category, account, after string, do func(readAt time.Time, rows schema.RecordReader) error) error
}

// Vault keeps encrypted objects and their keys; see package vault for what each
// method promises.
type Vault interface {
	activities.OrphanVault
	objectStore
	NewKey(ctx context.Context, account, export string) (recipient string, wrapped []byte, err error)
	Unlock(ctx context.Context, wrapped []byte, account, export string) (schema.ObjectOpener, error)
	Create(ctx context.Context, key, recipient string, write func(io.Writer) error) (int64, error)
}

// objectStore stores small objects.
type objectStore interface {
	Put(ctx context.Context, key, recipient string, body []byte) error
}

// Runs reads and terminates Temporal's workflow runs.
type Runs interface {
	// IsOpen tells whether this export's own run is open.
	IsOpen(ctx context.Context, account, export string) (bool, error)
	// OpenRuns lists all open runs, page by page.
	OpenRuns(ctx context.Context) iter.Seq2[[]OpenRun, error]
	// HasOpened tells whether a run has written its export's row.
	HasOpened(ctx context.Context, run OpenRun) (bool, error)
	// Terminate terminates a run. Terminating a closed one succeeds.
	Terminate(ctx context.Context, run OpenRun, reason string) error
}

// Counters add up the records that were written, for metrics.
type Counters interface {
	Wrote(c schema.Category, records, bytes int64)
}
