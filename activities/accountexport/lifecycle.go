package accountexport

import (
	"context"
	"errors"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// OpenExportInput is the input of OpenExport.
type OpenExportInput struct {
	Export      string
	Account     string
	RequestedBy string
	RequestedAt time.Time
	ConfirmBy   time.Time
	Categories  []schema.Category // all where there are none
}

// OpenExport writes the export's row. Running it again changes nothing.
func (a *Activities) OpenExport(ctx context.Context, in OpenExportInput) error {
	return activities.ToApplicationError(ctx, a.Store.OpenExport(ctx, schema.NewExport{
		Export: in.Export, Account: in.Account, RequestedBy: in.RequestedBy,
		RequestedAt: in.RequestedAt, ConfirmBy: in.ConfirmBy, Categories: in.Categories,
	}))
}

// ConfirmExportInput is the input of ConfirmExport.
type ConfirmExportInput struct {
	Export  string
	Account string
	By      string // user ID
}

// ConfirmExport makes the export's key and moves its row to confirmed. Running it
// again keeps the first key.
func (a *Activities) ConfirmExport(ctx context.Context, in ConfirmExportInput) error {
	recipient, wrapped, err := a.Vault.NewKey(ctx, in.Account, in.Export)
	if err = a.refusals.Limit(ctx, err); err != nil {
		return activities.ToApplicationError(ctx, err)
	}
	return activities.ToApplicationError(ctx, a.Store.ConfirmExport(ctx, in.Export, in.By, recipient, wrapped))
}

// ConfirmWindowLeftInput is the input of ConfirmWindowLeft.
type ConfirmWindowLeftInput struct{ Export string }

// ConfirmWindowLeft returns for how long the export can still be confirmed by the
// database's clock, by which the server accepts confirmations; 0 if it cannot.
func (a *Activities) ConfirmWindowLeft(ctx context.Context, in ConfirmWindowLeftInput) (time.Duration, error) {
	export, err := a.Store.Export(ctx, in.Export)
	if schema.KindOf(err) == schema.NotFound || err == nil && export.Status != schema.Pending {
		return 0, nil
	}
	now, clockErr := a.Store.Now(ctx)
	if err = errors.Join(err, clockErr); err != nil {
		return 0, activities.ToApplicationError(ctx, err)
	}
	return max(export.ConfirmBy.Sub(now), 0), nil
}

// RemoveArchiveInput is the input of BeginRemoval and RemoveArchive.
type RemoveArchiveInput struct {
	Export  string
	Account string
	Ending  schema.Ending
	By      string // user ID, or activities.Satchel
}

// BeginRemoval destroys the export's key and records how the export ends, without a
// request to storage. It returns whether there may be objects for RemoveArchive to
// delete; an export without any has then ended.
func (a *Activities) BeginRemoval(ctx context.Context, in RemoveArchiveInput) (stored bool, err error) {
	stored, err = a.Store.BeginRemoval(ctx, in.Export, in.Ending, in.By)
	if err == nil && !stored {
		err = a.Store.EndExport(ctx, in.Export, in.Ending, in.By, schema.Certificate{})
	}
	return stored, activities.ToApplicationError(ctx, err)
}

// RemoveArchive deletes everything that the export has stored: the key first, then
// every object, version and unfinished upload. When listing them again finds
// nothing it writes the certificate. An export that never had an archive ends with the
// first attempt, even if its objects cannot be deleted yet, and one that stored nothing
// ends without a request to storage. Deleting what is gone succeeds.
func (a *Activities) RemoveArchive(ctx context.Context, in RemoveArchiveInput) error {
	defer activities.Heartbeat(ctx)()
	return activities.ToApplicationError(ctx, a.removeArchive(ctx, in))
}

func (a *Activities) removeArchive(ctx context.Context, in RemoveArchiveInput) error {
	if in.Ending.Reason == schema.ReasonWindowPassed {
		if err := a.awaitExpiry(ctx, in.Export); err != nil {
			return err
		}
	}
	stored, err := a.Store.BeginRemoval(ctx, in.Export, in.Ending, in.By)
	if err != nil {
		return err
	}
	var removed schema.Certificate
	if stored {
		removed, err = a.Vault.Remove(ctx, schema.ExportPrefix(in.Export))
	}
	if err == nil {
		err = a.Store.EndExport(ctx, in.Export, in.Ending, in.By, removed)
	}
	if err != nil && removed != (schema.Certificate{}) {
		err = errors.Join(err, a.addRemoved(ctx, in.Export, removed))
	}
	return err
}

// maxClockWait is how long an attempt waits for the database's clock, if that is behind.
const maxClockWait = 5 * time.Second

// awaitExpiry returns nil once the download window is over by the database's clock, by
// which downloads are decided: the clock of Temporal, whose timer fired, may be ahead.
// An archive whose key is destroyed has no window any more.
func (a *Activities) awaitExpiry(ctx context.Context, export string) error {
	if _, err := a.Store.WrappedKey(ctx, export); schema.KindOf(err) == schema.Gone {
		return nil
	}
	e, err := a.Store.Export(ctx, export)
	if schema.KindOf(err) == schema.NotFound || err == nil && (e.Status != schema.Completed || e.ExpiresAt == nil) {
		return nil
	}
	now, clockErr := a.Store.Now(ctx)
	if err = errors.Join(err, clockErr); err != nil {
		return err
	}
	left := e.ExpiresAt.Sub(now)
	if left <= 0 {
		return nil
	}
	if left > maxClockWait {
		early := schema.Errorf(schema.Unavailable, schema.CodeTooEarly, "The download window is still open by the database's clock.")
		early.RetryAfter = left
		return early
	}
	select {
	case <-time.After(left):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// addRemoved adds to the certificate what a failed attempt has deleted, also where
// the attempt was cancelled.
func (a *Activities) addRemoved(ctx context.Context, export string, removed schema.Certificate) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return a.Store.AddRemoved(ctx, export, removed)
}
