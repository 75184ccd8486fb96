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
	if err != nil {
		return activities.ToApplicationError(ctx, err)
	}
	return activities.ToApplicationError(ctx, a.Store.ConfirmExport(ctx, in.Export, in.By, recipient, wrapped))
}

// RemoveArchiveInput is the input of RemoveArchive.
type RemoveArchiveInput struct {
	Export  string
	Account string
	Ending  schema.Ending
	By      string // user ID, or activities.Satchel
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

// addRemoved adds to the certificate what a failed attempt has deleted, also where
// the attempt was cancelled.
func (a *Activities) addRemoved(ctx context.Context, export string, removed schema.Certificate) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return a.Store.AddRemoved(ctx, export, removed)
}
