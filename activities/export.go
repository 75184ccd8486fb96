package activities

import (
	"context"
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
// it writes the ending and the certificate. Deleting what is gone succeeds.
func (a *Activities) RemoveArchive(ctx context.Context, in Remove) error {
	defer beat(ctx)()
	if err := a.Store.DestroyKey(ctx, in.Export); err != nil {
		return verdict(ctx, err)
	}
	certificate, err := a.Vault.Remove(ctx, schema.ObjectPrefix(in.Export))
	if err != nil {
		return verdict(ctx, err)
	}
	return verdict(ctx, a.Store.EndExport(ctx, in.Export, in.Ending, in.By, certificate))
}
