package accountexport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// AssembleArchiveInput is the input of AssembleArchive.
type AssembleArchiveInput struct {
	Export  string
	Account string
}

// AssembleArchiveResult is an archive that is stored and not yet read back.
type AssembleArchiveResult struct{ schema.Archive }

// AssembleArchive makes one archive of the pieces in the ledger and compares each
// with it. Every attempt writes an object of its own. A piece that is damaged is a
// DamageError: CollectCategory collects it again.
func (a *Activities) AssembleArchive(ctx context.Context, in AssembleArchiveInput) (AssembleArchiveResult, error) {
	defer activities.Heartbeat(ctx)()
	archive, err := a.assemble(ctx, in)
	return AssembleArchiveResult{archive}, activities.ToApplicationError(ctx, a.refusals.Limit(ctx, err))
}

func (a *Activities) assemble(ctx context.Context, in AssembleArchiveInput) (schema.Archive, error) {
	export, err := a.Store.Export(ctx, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	sections, err := a.Store.Sections(ctx, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	recipient, err := a.Store.StartCollecting(ctx, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	opener, err := a.unlock(ctx, in.Account, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	key := schema.ArchiveObject(in.Export, rand.Text())
	pieces := readPieces(ctx, sections, opener)
	defer pieces.close()
	var document *archiveWriter
	if _, err := a.Vault.Create(ctx, key, recipient, func(w io.Writer) error {
		document = newArchiveWriter(w)
		return document.write(export.Account, sections, pieces)
	}); err != nil {
		return schema.Archive{}, fmt.Errorf("assemble %s: %w", in.Export, err)
	}
	if err := a.Store.AddSegments(ctx, in.Export, key, document.segments); err != nil {
		return schema.Archive{}, err
	}
	return document.archive(key), nil
}

func (a *Activities) unlock(ctx context.Context, account, export string) (schema.ObjectOpener, error) {
	wrapped, err := a.Store.WrappedKey(ctx, export)
	if err != nil {
		return nil, err
	}
	return a.Vault.Unlock(ctx, wrapped, account, export)
}

// CompleteExportInput is the input of CompleteExport.
type CompleteExportInput struct {
	Export  string
	Account string
	Archive AssembleArchiveResult
	Windows schema.Windows
}

// CompleteExportResult says when an export was completed, until when its archive
// can be downloaded, and from when on the next export may be requested.
type CompleteExportResult struct {
	CompletedAt      time.Time
	ExpiresAt        time.Time
	AvailableAgainAt time.Time
}

// CompleteExport reads the archive back, and moves the row to completed only if
// every byte is what was assembled; else the error is a DamageError. Running it again
// returns the first result, also once the archive is removed.
func (a *Activities) CompleteExport(ctx context.Context, in CompleteExportInput) (CompleteExportResult, error) {
	defer activities.Heartbeat(ctx)()
	completed, err := a.complete(ctx, in)
	return completed, activities.ToApplicationError(ctx, a.refusals.Limit(ctx, err))
}

func (a *Activities) complete(ctx context.Context, in CompleteExportInput) (CompleteExportResult, error) {
	e, err := a.Store.Export(ctx, in.Export)
	if err != nil {
		return CompleteExportResult{}, err
	}
	if completed, already := completedOf(e); already {
		return completed, nil
	}
	opener, err := a.unlock(ctx, in.Account, in.Export)
	if err != nil {
		return CompleteExportResult{}, err
	}
	if err := activities.ReadBack(ctx, opener, in.Archive.ObjectKey, in.Archive.GzipSize, in.Archive.GzipSHA256); err != nil {
		if errors.Is(err, schema.ErrDamaged) {
			err = &activities.DamageError{DamagedObject: activities.DamagedObject{ObjectKey: in.Archive.ObjectKey}, Cause: err}
		}
		return CompleteExportResult{}, fmt.Errorf("archive of %s: %w", in.Export, err)
	}
	if e, err = a.Store.CompleteExport(ctx, in.Export, in.Archive.Archive, in.Windows); err != nil {
		return CompleteExportResult{}, err
	}
	completed, ok := completedOf(e)
	if !ok {
		return CompleteExportResult{}, schema.Errorf(schema.Conflict, schema.CodeNotProcessing, "The export is not being made.")
	}
	return completed, nil
}

func completedOf(e schema.Export) (CompleteExportResult, bool) {
	if e.CompletedAt == nil || e.ExpiresAt == nil || e.AvailableAgainAt == nil {
		return CompleteExportResult{}, false
	}
	return CompleteExportResult{CompletedAt: *e.CompletedAt, ExpiresAt: *e.ExpiresAt, AvailableAgainAt: *e.AvailableAgainAt}, true
}
