package activities

import (
	"context"
	"errors"
	"iter"
	"time"

	"go.temporal.io/sdk/activity"

	"satchel/schema"
)

// SweepPage is how many rows or objects a sweep looks at together.
const SweepPage = 100

// OrphanVault lists and removes stored objects.
type OrphanVault interface {
	Folders(ctx context.Context, under string) iter.Seq2[string, error]
	LastModified(ctx context.Context, prefix string) (time.Time, error)
	Remove(ctx context.Context, prefix string) (schema.Certificate, error)
}

// Orphans says which stored objects belong to no row, and which rows have lost their
// objects. Either can happen when the database or the bucket is restored.
type Orphans struct {
	Vault  OrphanVault
	Folder string                                   // that holds a folder per owner
	IsID   func(name string) bool                   // whether a folder's name is the ID of an owner
	Prefix func(id string) string                   // of an owner's objects
	Rows   OrphanRows                               // of the owners
	Now    func(context.Context) (time.Time, error) // by the database's clock
}

// OrphanRows are the rows that say what is stored.
type OrphanRows struct {
	// Owned tells which IDs have a row that keeps their objects.
	Owned func(ctx context.Context, ids []string) (map[string]bool, error)
	// Stored lists IDs whose row says that their objects can be read, in order, after the
	// given one.
	Stored func(ctx context.Context, after string, limit int) ([]string, error)
	// RecordOrphan records that objects without a row were removed.
	RecordOrphan func(ctx context.Context, id string, removed schema.Certificate) error
	// RecordMissing records that a row's objects are gone, and ends what it stands for.
	RecordMissing func(ctx context.Context, id string) error
}

// RemoveOrphansInput is the input of activities that remove orphans.
type RemoveOrphansInput struct {
	Grace time.Duration // how long nothing must have been stored under a prefix
}

// RemoveOrphansResult is the result of activities that remove orphans.
type RemoveOrphansResult struct {
	Removed int
	Missing int // rows whose objects were gone
	Failed  int // that could not be removed; the others were all the same
}

// errEmptyBucket says that rows were left as they are.
var errEmptyBucket = errors.New("the bucket holds nothing of what the database says is stored: does S3_BUCKET name another one?")

// Remove deletes the objects that belong to no row, once nothing was stored under
// their prefix for the grace, and records which rows have lost their objects. One that
// cannot be removed does not stop the others. An empty bucket says more about the
// settings than about the rows: it is an error.
func (o Orphans) Remove(ctx context.Context, grace time.Duration) (RemoveOrphansResult, error) {
	s := orphanSweep{Orphans: o}
	now, err := o.Now(ctx)
	if err != nil {
		return s.result, err
	}
	s.before = now.Add(-grace)
	nextRow, stop := iter.Pull2(o.storedRows(ctx))
	defer stop()
	s.nextRow = nextRow
	page := make([]string, 0, SweepPage)
	for id, err := range o.Vault.Folders(ctx, o.Folder) {
		if err != nil {
			return s.result, err
		}
		if !o.IsID(id) {
			continue
		}
		if err := s.compareRows(ctx, id); err != nil {
			return s.result, err
		}
		if page = append(page, id); len(page) == SweepPage {
			if err := s.removePage(ctx, page); err != nil {
				return s.result, err
			}
			page = page[:0]
		}
	}
	if err := s.removePage(ctx, page); err != nil {
		return s.result, err
	}
	return s.result, s.compareRows(ctx, "")
}

// storedRows are the IDs of Rows.Stored.
func (o Orphans) storedRows(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for after := ""; ; {
			ids, err := o.Rows.Stored(ctx, after, SweepPage)
			if err != nil {
				yield("", err)
				return
			}
			for _, after = range ids {
				if !yield(after, nil) {
					return
				}
			}
			if len(ids) < SweepPage {
				return
			}
		}
	}
}

// orphanSweep is one comparison of a folder with the rows.
type orphanSweep struct {
	Orphans
	result  RemoveOrphansResult
	before  time.Time // what was stored later is left
	nextRow func() (string, error, bool)
	row     string // the ID that nextRow returned last
	folder  string // the last one that was listed
	atEnd   bool   // no row is left
}

// compareRows finds rows without a folder: folders and rows come in the same order. The
// folder "" follows all others.
func (s *orphanSweep) compareRows(ctx context.Context, folder string) error {
	if folder != "" && folder < s.folder { // those that only have unfinished uploads come at the end
		return nil
	}
	nothingStored := folder == "" && s.folder == ""
	if folder != "" {
		s.folder = folder
	}
	for {
		if s.row == "" && !s.atEnd {
			id, err, ok := s.nextRow()
			if err != nil {
				return err
			}
			s.row, s.atEnd = id, !ok
		}
		switch {
		case s.atEnd, folder != "" && s.row > folder:
			return nil
		case s.row != folder:
			if err := s.recordMissing(ctx, s.row, nothingStored); err != nil {
				return err
			}
		}
		s.row = ""
	}
}

// recordMissing looks again, since the row may be younger than the listing.
func (s *orphanSweep) recordMissing(ctx context.Context, id string, nothingStored bool) error {
	stored, err := s.Vault.LastModified(ctx, s.Prefix(id))
	if err != nil || !stored.IsZero() {
		return err
	}
	if nothingStored {
		return errEmptyBucket
	}
	activity.GetLogger(ctx).Error("objects are missing from the bucket", "id", id)
	if err := s.Rows.RecordMissing(ctx, id); err != nil {
		return err
	}
	s.result.Missing++
	return nil
}

func (s *orphanSweep) removePage(ctx context.Context, ids []string) error {
	owned, err := s.Rows.Owned(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if owned[id] {
			continue
		}
		removed, err := s.removeOld(ctx, id)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			activity.GetLogger(ctx).Error("orphan not removed", "id", id, "err", err)
			s.result.Failed++
		case removed:
			s.result.Removed++
		}
	}
	return nil
}

// removeOld removes what is stored under an owner's prefix unless something was stored
// there within the grace.
func (s *orphanSweep) removeOld(ctx context.Context, id string) (removed bool, err error) {
	stored, err := s.Vault.LastModified(ctx, s.Prefix(id))
	if err != nil || stored.After(s.before) {
		return false, err
	}
	certificate, err := s.Vault.Remove(ctx, s.Prefix(id))
	if err != nil {
		return false, err
	}
	return true, s.Rows.RecordOrphan(ctx, id, certificate)
}
