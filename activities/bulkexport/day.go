package bulkexport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"go.temporal.io/sdk/activity"

	"satchel/activities"
	"satchel/schema"
)

// WriteDayInput is the input of WriteDay.
type WriteDayInput struct {
	Account string
	Type    schema.ResourceType
	Day     schema.Day
	Job     string // "" for a daily export and for a rebuild
	Rebuild bool   // without calls that were erased since, if any
	Limits  schema.BulkLimits
}

// daily tells whether the day is one of a daily export.
func (in WriteDayInput) daily() bool { return in.Job == "" && !in.Rebuild }

// WriteDayResult is how a day ended, or why it is not read yet.
type WriteDayResult struct {
	Status  schema.DayStatus
	Records int64
	Waits   string // why the source database may not have all records of the day yet; then there is no status
}

// WriteDay writes the file of one day, reads it back, and publishes it in place of
// an earlier one. Readers see either the whole old file or the whole new one. A retry
// starts over and writes a new object. A suspended account has no daily exports, and one
// that has disabled them neither: the result is Deleted. While the source database may not have all records of the day,
// nothing is written, and the result says what the day waits for.
func (a *Activities) WriteDay(ctx context.Context, in WriteDayInput) (WriteDayResult, error) {
	reading, stop := activities.HeartbeatReading(ctx)
	defer stop()
	result, err := a.writeDay(reading, in)
	if in.Job != "" {
		err = a.refusals.Limit(ctx, err)
	} else { // it cannot be requested again, and is retried
		err = activities.RetryUnreadable(err)
	}
	if err != nil && in.Job != "" && ctx.Err() == nil {
		if markErr := a.Store.MarkDayRetrying(ctx, in.Job, in.Day); markErr != nil {
			logError(ctx, "day not marked as retrying", in.Job, markErr)
		}
	}
	return result, activities.ToApplicationError(ctx, activities.WithoutRetryDelay(err))
}

func (a *Activities) writeDay(ctx context.Context, in WriteDayInput) (result WriteDayResult, err error) {
	if wanted, err := a.wanted(ctx, in); err != nil || !wanted {
		return WriteDayResult{Status: schema.DayDeleted}, err
	}
	account, err := activities.VisibleAccount(ctx, a.Source, in.Account)
	if recordErr := a.recordVisible(ctx, in, err); recordErr != nil {
		return result, recordErr
	}
	if err != nil { // without it an account that is not visible would look empty
		return result, err
	}
	if account.Suspended && in.daily() {
		return WriteDayResult{Status: schema.DayDeleted}, nil
	}
	var erased []string
	if in.Type == schema.Calls {
		if erased, err = a.Store.ErasedCalls(ctx, in.Account, in.Day); err != nil {
			return result, err
		}
	}
	file, err := a.storeDay(ctx, in, erased)
	if why, ok := errors.AsType[*schema.Error](err); ok && why.Code == schema.CodeDayNotWhole {
		activity.GetLogger(ctx).Info("day not read yet", "account", in.Account, "type", in.Type, "day", in.Day, "why", why.Message)
		return WriteDayResult{Waits: why.Message}, nil
	}
	if err != nil {
		return result, err
	}
	if err := a.readBack(ctx, file); err != nil {
		a.removeObsolete(ctx, file.ID)
		return result, err
	}
	obsolete, err := a.Store.PublishDayFile(ctx, file)
	if errors.Is(err, schema.ErrStaleAttempt) {
		obsolete = file.ID // after any other error it may have been published
	}
	if obsolete != "" {
		a.removeObsolete(ctx, obsolete)
	}
	switch {
	case err != nil:
		return result, err
	case obsolete == file.ID:
		result.Status = schema.DayDeleted
	case file.Records == 0:
		result.Status = schema.DayCompletedEmpty
	default:
		result = WriteDayResult{Status: schema.DayCompleted, Records: file.Records}
	}
	return result, nil
}

// wanted reports whether the file is still to be written.
func (a *Activities) wanted(ctx context.Context, in WriteDayInput) (bool, error) {
	switch {
	case in.Job != "":
		return a.Store.BeginDay(ctx, in.Job, in.Day)
	case in.Rebuild:
		return a.Store.IsDayFileOutdated(ctx, in.Account, in.Day)
	}
	return a.dailyWanted(ctx, in.Account, in.Type)
}

// dailyWanted reports whether the daily export of an account is still enabled: its
// schedule can be older than that, where Temporal's data was restored.
func (a *Activities) dailyWanted(ctx context.Context, account string, t schema.ResourceType) (bool, error) {
	if a.Off {
		return false, nil
	}
	configuration, err := a.Store.Configuration(ctx, account, t)
	return configuration.Enabled, err
}

// recordVisible records since when the account of a daily export has not been
// visible: such a day is retried until schema.AccountGoneAfter has passed.
func (a *Activities) recordVisible(ctx context.Context, in WriteDayInput, found error) error {
	if !in.daily() || found != nil && !activities.IsNotVisible(found) {
		return nil
	}
	_, err := a.Store.RecordSourceVisible(ctx, in.Account, in.Type, found == nil)
	return err
}

// storeDay stores the file under a new name, encrypted to a new key.
func (a *Activities) storeDay(ctx context.Context, in WriteDayInput, erased []string) (schema.NewDayFile, error) {
	file := schema.NewDayFile{
		ID: schema.NewDayFileID(), Account: in.Account, Type: in.Type, Day: in.Day, Job: in.Job, Rebuild: in.Rebuild,
		Erased: erased, PublishWithin: a.Grace / 2, Retention: in.Limits.Retention,
	}
	recipient, wrapped, err := a.Vault.NewKey(ctx, in.Account, file.ID)
	if err != nil {
		return file, err
	}
	file.Wrapped = wrapped
	_, err = a.Vault.Create(ctx, schema.DayFileObject(file.ID), recipient, func(object io.Writer) error {
		lines := newLineWriter(object)
		err := a.Source.ReadDay(ctx, in.Type, in.Account, in.Day, erased, func(rows schema.RecordReader) error {
			return activities.Pipeline{Framing: activities.Framing{After: "\n"}}.Run(ctx, rows, lines)
		})
		if err == nil {
			file.ReadAt, err = a.Store.Now(ctx) // before the object is whole
		}
		file.Records, file.Size, file.SHA256 = lines.records, lines.size, hex.EncodeToString(lines.sha256.Sum(nil))
		return err
	})
	if err == nil {
		a.Count.WroteDay(in.Type, file.Records, file.Size)
	}
	return file, err
}

// readBack compares what was stored with what was written. A mismatch is retryable:
// the next attempt writes the day under a new name.
func (a *Activities) readBack(ctx context.Context, file schema.NewDayFile) error {
	opener, err := a.Vault.Unlock(ctx, file.Wrapped, file.Account, file.ID)
	if err != nil {
		return err
	}
	err = activities.ReadBack(ctx, opener, schema.DayFileObject(file.ID), file.Size, file.SHA256)
	if err != nil {
		return fmt.Errorf("day file %s: %w", file.ID, activities.RewriteOnRetry(err))
	}
	return nil
}

// removeObsolete removes the object of a file that has no row. If it cannot be removed,
// the sweep removes it.
func (a *Activities) removeObsolete(ctx context.Context, file string) {
	if _, err := a.Vault.Remove(ctx, schema.DayFilePrefix(file)); err != nil {
		logError(ctx, "obsolete day file not removed, left to the sweep", file, err)
	}
}

// lineWriter compresses records as JSON lines, and counts and hashes the gzip file.
// The same records give the same bytes.
type lineWriter struct {
	gzip    *gzip.Writer
	to      io.Writer
	records int64
	size    int64
	sha256  hash.Hash
}

func newLineWriter(to io.Writer) *lineWriter {
	w := &lineWriter{to: to, sha256: sha256.New()}
	var err error
	if w.gzip, err = gzip.NewWriterLevel(w, gzip.BestSpeed); err != nil {
		panic(err) // the level is a constant
	}
	return w
}

// Compress is activities.Compressor.
func (w *lineWriter) Compress(_ context.Context, c *activities.Chunk) error {
	w.records += c.Records
	_, err := w.gzip.Write(c.Text)
	return err
}

// Finish is activities.Compressor.
func (w *lineWriter) Finish(context.Context) error { return w.gzip.Close() }

// Write takes the compressed bytes.
func (w *lineWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.size += int64(n)
	w.sha256.Write(p[:n])
	return n, err
}

// RemoveDayFileInput is the input of BeginDayFileRemoval and RemoveDayFile.
type RemoveDayFileInput struct {
	File      string
	Account   string
	Type      schema.ResourceType
	Day       schema.Day
	ExpiresAt time.Time // a rebuild of the file has the same
	By        string    // user or credential ID
}

// BeginDayFileRemoval destroys the key of a day file, or of its rebuild, without a
// request to storage. It returns whether there is one for RemoveDayFile to delete.
func (a *Activities) BeginDayFileRemoval(ctx context.Context, in RemoveDayFileInput) (exists bool, err error) {
	file, err := a.destroyLatestKey(ctx, in)
	return file != "", activities.ToApplicationError(ctx, err)
}

// RemoveDayFile deletes a day file, or its rebuild: its key first, then its object
// with every version and unfinished upload, then its row. Removing what is gone
// succeeds.
func (a *Activities) RemoveDayFile(ctx context.Context, in RemoveDayFileInput) error {
	defer activities.Heartbeat(ctx)()
	file, err := a.destroyLatestKey(ctx, in)
	if err == nil && file != "" {
		err = a.removeDayFile(ctx, file, in.By)
	}
	return activities.ToApplicationError(ctx, err)
}

func (a *Activities) destroyLatestKey(ctx context.Context, in RemoveDayFileInput) (file string, err error) {
	return a.Store.DestroyLatestDayKey(ctx, schema.DayFile{
		ID: in.File, Account: in.Account, Type: in.Type, Day: in.Day, ExpiresAt: in.ExpiresAt,
	})
}

func (a *Activities) removeDayFile(ctx context.Context, file, by string) error {
	if err := a.Store.DestroyDayKey(ctx, file); err != nil {
		return err
	}
	certificate, err := a.Vault.Remove(ctx, schema.DayFilePrefix(file))
	if err != nil {
		return err
	}
	return a.Store.DeleteDayRow(ctx, file, by, certificate)
}
