package activities

import (
	"context"
	"errors"
	"time"

	"satchel/schema"
)

// Open is what OpenExport is told.
type Open struct {
	Export      string
	Account     string
	RequestedBy string
	RequestedAt time.Time
	ConfirmBy   time.Time
	Categories  []schema.Category // all where there are none
}

// OpenExport writes the export's row. Running it again changes nothing.
func (a *Activities) OpenExport(ctx context.Context, in Open) error {
	return verdict(ctx, a.Store.OpenExport(ctx, schema.Opening{
		Export: in.Export, Account: in.Account, RequestedBy: in.RequestedBy,
		RequestedAt: in.RequestedAt, ConfirmBy: in.ConfirmBy, Categories: in.Categories,
	}))
}

// Confirm is what ConfirmExport is told.
type Confirm struct {
	Export  string
	Account string
	By      string // user ID
}

// ConfirmExport makes the export's key and moves its row to confirmed.
// Running it again keeps the first key.
func (a *Activities) ConfirmExport(ctx context.Context, in Confirm) error {
	recipient, wrapped, err := a.Vault.NewKey(ctx, in.Account, in.Export)
	if err != nil {
		return verdict(ctx, err)
	}
	return verdict(ctx, a.Store.ConfirmExport(ctx, in.Export, in.By, recipient, wrapped))
}

// Remove is what RemoveArchive is told.
type Remove struct {
	Export  string
	Account string
	Ending  schema.Ending
	By      string // user ID, or Satchel
}

// RemoveArchive deletes everything the export has stored: the key first, then
// every object, version and unfinished upload. When a last look finds nothing
// it writes the certificate. An export that never had a file has ended from the
// first attempt on, and one that stored nothing needs no storage for it.
// Deleting what is gone succeeds.
func (a *Activities) RemoveArchive(ctx context.Context, in Remove) error {
	defer beat(ctx)()
	return verdict(ctx, a.removeArchive(ctx, in))
}

func (a *Activities) removeArchive(ctx context.Context, in Remove) error {
	stored, err := a.Store.BeginRemoval(ctx, in.Export, in.Ending, in.By)
	if err != nil {
		return err
	}
	var removed schema.Certificate
	if stored {
		removed, err = a.Vault.Remove(ctx, schema.ObjectPrefix(in.Export))
	}
	if err == nil {
		err = a.Store.EndExport(ctx, in.Export, in.Ending, in.By, removed)
	}
	if err != nil && removed != (schema.Certificate{}) {
		err = errors.Join(err, a.addRemoved(ctx, in.Export, removed))
	}
	return err
}

// addRemoved counts for the certificate what an attempt has deleted that comes
// to nothing, also where it was told to stop.
func (a *Activities) addRemoved(ctx context.Context, export string, removed schema.Certificate) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return a.Store.AddRemoved(ctx, export, removed)
}
