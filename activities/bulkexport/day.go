package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"satchel/schema"
)

// WriteDay is what WriteDay is told.
type WriteDay struct {
	Account string
	Type    schema.ResourceType
	Day     schema.Day
	Job     string // "" for a daily export and for a file that is made again
	Again   bool   // without calls that were erased since, if any
	Limits  schema.BulkLimits
}

// WrittenDay is what became of a day.
type WrittenDay struct {
	Status  schema.DayStatus
	Records int64
}

// WriteDay writes the file of one day and puts it in the place of an earlier
// one. Whoever looks sees the old file or the new one, whole. Run again it
// begins again, under a name of its own. Nothing is exported every day of an
// account that is suspended: such a day is Deleted.
func (a *Activities) WriteDay(ctx context.Context, in WriteDay) (WrittenDay, error) {
	defer beat(ctx)()
	written, err := a.writeDay(ctx, in)
	if err != nil && in.Job != "" && ctx.Err() == nil {
		if noted := a.Bulk.TroubleDay(ctx, in.Job, in.Day); noted != nil {
			logged(ctx, "a day's trouble could not be noted", in.Job, noted)
		}
	}
	return written, verdict(ctx, unhurried(err))
}

func (a *Activities) writeDay(ctx context.Context, in WriteDay) (w WrittenDay, err error) {
	if wanted, err := a.wanted(ctx, in); err != nil || !wanted {
		return WrittenDay{Status: schema.DayDeleted}, err
	}
	account, err := a.account(ctx, in.Account)
	if noted := a.noteSeen(ctx, in, err); noted != nil {
		return w, noted
	}
	if err != nil { // else no records would look like none to read
		return w, err
	}
	if account.Suspended && in.Job == "" && !in.Again {
		return WrittenDay{Status: schema.DayDeleted}, nil
	}
	var erased []string
	if in.Type == schema.Calls {
		if erased, err = a.Bulk.Erased(ctx, in.Account, in.Day); err != nil {
			return w, err
		}
	}
	file, err := a.storeDay(ctx, in, erased)
	if err != nil {
		return w, err
	}
	useless, err := a.Bulk.PublishDay(ctx, file)
	if errors.Is(err, schema.ErrOvertaken) {
		useless = file.ID // after any other error it may be the one that people see
	}
	if useless != "" {
		if _, removed := a.Vault.Remove(ctx, schema.DayPrefix(useless)); removed != nil {
			logged(ctx, "a day's useless file is left to the sweep", useless, removed)
		}
	}
	switch {
	case err != nil:
		return w, err
	case useless == file.ID:
		w.Status = schema.DayDeleted
	case file.Records == 0:
		w.Status = schema.DayCompletedEmpty
	default:
		w = WrittenDay{schema.DayCompleted, file.Records}
	}
	return w, nil
}

// wanted tells whether there is still somebody who wants the file.
func (a *Activities) wanted(ctx context.Context, in WriteDay) (bool, error) {
	switch {
	case in.Job != "":
		return a.Bulk.BeginDay(ctx, in.Job, in.Day)
	case in.Again:
		return a.Bulk.Outdated(ctx, in.Account, in.Day)
	}
	return true, nil
}

// noteSeen notes from when on an account of which days are exported every day
// could not be found: such a day is tried for as long as it takes to believe that
// the account is gone.
func (a *Activities) noteSeen(ctx context.Context, in WriteDay, found error) error {
	if in.Job != "" || in.Again || found != nil && !isUnseen(found) {
		return nil
	}
	_, err := a.Bulk.NoteSeen(ctx, in.Account, in.Type, found == nil)
	return err
}

// storeDay writes the file under a name that nobody knows yet, with a key that
// nobody else has.
func (a *Activities) storeDay(ctx context.Context, in WriteDay, erased []string) (schema.NewDayFile, error) {
	file := schema.NewDayFile{
		ID: schema.NewDayFileID(), Account: in.Account, Type: in.Type, Day: in.Day, Job: in.Job, Again: in.Again,
		Erased: len(erased), Within: a.Grace / 2, Retention: in.Limits.Retention,
	}
	recipient, wrapped, err := a.Vault.NewKey(ctx, in.Account, file.ID)
	if err != nil {
		return file, err
	}
	file.Wrapped = wrapped
	_, err = a.Vault.Create(ctx, schema.DayObject(file.ID), recipient, func(object io.Writer) error {
		sum := measure{to: object, sha256: sha256.New()}
		err := a.Days.ReadDay(ctx, in.Type, in.Account, in.Day, erased, func(rows DayRows) (err error) {
			file.Records, err = writeLines(ctx, &sum, rows)
			return err
		})
		if err == nil {
			file.ReadAt, err = a.Bulk.Now(ctx) // before the object is whole
		}
		file.Size, file.SHA256 = sum.size, hex.EncodeToString(sum.sha256.Sum(nil))
		return err
	})
	if err == nil {
		a.Count.WroteDay(in.Type, file.Records, file.Size)
	}
	return file, err
}

// writeLines compresses records as lines while the next are read. The same
// records give the same bytes.
func writeLines(ctx context.Context, to io.Writer, rows DayRows) (records int64, err error) {
	stages, ctx := errgroup.WithContext(ctx)
	chunks := make(chan *[]byte, 2)
	stages.Go(func() error {
		zip, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
		if err != nil {
			return err
		}
		for chunk := range chunks {
			if _, err := zip.Write(*chunk); err != nil {
				return err
			}
			lineChunks.Put(chunk)
		}
		return zip.Close()
	})
	failure := readLines(ctx, rows, chunks, &records)
	close(chunks)
	if err := stages.Wait(); err != nil {
		return records, err
	}
	return records, failure
}

var lineChunks = sync.Pool{New: func() any { return new([]byte) }}

func readLines(ctx context.Context, rows DayRows, out chan<- *[]byte, records *int64) error {
	for {
		chunk := lineChunks.Get().(*[]byte)
		text, err := (*chunk)[:0], error(nil)
		for len(text) < textChunk {
			if text, err = rows.AppendRow(text); err != nil {
				break
			}
			text = append(text, '\n')
			*records++
		}
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return err
		}
		*chunk = text
		select {
		case out <- chunk:
		case <-ctx.Done():
			return ctx.Err()
		}
		if ended {
			return nil
		}
	}
}

// measure counts and hashes what passes.
type measure struct {
	to     io.Writer
	size   int64
	sha256 hash.Hash
}

func (m *measure) Write(p []byte) (int, error) {
	n, err := m.to.Write(p)
	m.size += int64(n)
	m.sha256.Write(p[:n])
	return n, err
}

// FailDay is what FailDay is told.
type FailDay struct {
	Job string
	Day schema.Day
}

// FailDay gives up on a day.
func (a *Activities) FailDay(ctx context.Context, in FailDay) error {
	return verdict(ctx, a.Bulk.FailDay(ctx, in.Job, in.Day))
}

// RemoveDay is what RemoveDay is told.
type RemoveDay struct {
	File      string
	Account   string
	Type      schema.ResourceType
	Day       schema.Day
	ExpiresAt time.Time // what the file was made into again meanwhile has the same
	By        string    // user or credential ID
}

// RemoveDay deletes a day file, or what it was made into again meanwhile: its key
// first, then its object with every version and unfinished upload, then its row.
// Removing what is gone succeeds.
func (a *Activities) RemoveDay(ctx context.Context, in RemoveDay) error {
	defer beat(ctx)()
	file, err := a.Bulk.DestroyLatestDayKey(ctx, schema.DayFile{
		ID: in.File, Account: in.Account, Type: in.Type, Day: in.Day, ExpiresAt: in.ExpiresAt,
	})
	if err == nil && file != "" {
		err = a.removeDay(ctx, file, in.By)
	}
	return verdict(ctx, err)
}

func (a *Activities) removeDay(ctx context.Context, file, by string) error {
	if err := a.Bulk.DestroyDayKey(ctx, file); err != nil {
		return err
	}
	certificate, err := a.Vault.Remove(ctx, schema.DayPrefix(file))
	if err != nil {
		return err
	}
	return a.Bulk.DropDay(ctx, file, by, certificate)
}
