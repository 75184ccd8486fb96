package activities

import (
	"context"
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

// Orphans says which stored objects belong to no row.
type Orphans struct {
	Vault  OrphanVault
	Folder string                                                           // that holds a folder per owner
	IsID   func(name string) bool                                           // whether a folder's name is the ID of an owner
	Owned  func(ctx context.Context, ids []string) (map[string]bool, error) // which IDs have a row that keeps their objects
	Prefix func(id string) string                                           // of an owner's objects
}

// RemoveOrphansInput is the input of activities that remove orphans.
type RemoveOrphansInput struct {
	Grace time.Duration // how long nothing must have been stored under a prefix
}

// RemoveOrphansResult is the result of activities that remove orphans.
type RemoveOrphansResult struct {
	Removed int
	Failed  int // that could not be removed; the others were all the same
}

// Remove deletes the objects that belong to no row, once nothing was stored under
// their prefix for the grace. One that cannot be removed does not stop the others.
func (o Orphans) Remove(ctx context.Context, grace time.Duration) (RemoveOrphansResult, error) {
	var result RemoveOrphansResult
	page := make([]string, 0, SweepPage)
	for id, err := range o.Vault.Folders(ctx, o.Folder) {
		if err != nil {
			return result, err
		}
		if !o.IsID(id) {
			continue
		}
		if page = append(page, id); len(page) == SweepPage {
			if err := o.removePage(ctx, page, grace, &result); err != nil {
				return result, err
			}
			page = page[:0]
		}
	}
	return result, o.removePage(ctx, page, grace, &result)
}

func (o Orphans) removePage(ctx context.Context, ids []string, grace time.Duration, result *RemoveOrphansResult) error {
	owned, err := o.Owned(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if owned[id] {
			continue
		}
		removed, err := o.removeOld(ctx, o.Prefix(id), grace)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			activity.GetLogger(ctx).Error("orphan not removed", "id", id, "err", err)
			result.Failed++
		case removed:
			result.Removed++
		}
	}
	return nil
}

// removeOld removes what is stored under a prefix unless something was stored
// there within the grace.
func (o Orphans) removeOld(ctx context.Context, prefix string, grace time.Duration) (removed bool, err error) {
	stored, err := o.Vault.LastModified(ctx, prefix)
	if err != nil || time.Since(stored) < grace {
		return false, err
	}
	_, err = o.Vault.Remove(ctx, prefix)
	return err == nil, err
}
