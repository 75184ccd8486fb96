package activities

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"satchel/schema"
)

// Assemble is what AssembleArchive is told.
type Assemble struct {
	Export  string
	Account string
}

// Assembled is an archive that is stored and not yet read back.
type Assembled struct{ schema.Archive }

// AssembleArchive makes one archive of the pieces the ledger counts, checking
// each against it. Every attempt writes an object of its own.
func (a *Activities) AssembleArchive(ctx context.Context, in Assemble) (Assembled, error) {
	defer beat(ctx)()
	archive, err := a.assemble(ctx, in)
	return Assembled{archive}, verdict(ctx, err)
}

func (a *Activities) assemble(ctx context.Context, in Assemble) (schema.Archive, error) {
	export, err := a.Store.Export(ctx, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	sections, err := a.Store.Sections(ctx, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	recipient, err := a.Store.Recipient(ctx, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	opener, err := a.unlock(ctx, in.Account, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	key := schema.ArchiveObject(in.Export, rand.Text())
	pieces := readPieces(ctx, sections, opener)
	defer pieces.stop()
	var document *archiveWriter
	if _, err := a.Vault.Create(ctx, key, recipient, func(w io.Writer) error {
		document = newArchiveWriter(w)
		return document.write(export.Account, time.Now(), sections, pieces)
	}); err != nil {
		return schema.Archive{}, fmt.Errorf("assemble %s: %w", in.Export, err)
	}
	if err := a.Store.AddSegments(ctx, in.Export, key, document.segments); err != nil {
		return schema.Archive{}, err
	}
	return document.archive(key), nil
}

func (a *Activities) unlock(ctx context.Context, account, export string) (Opener, error) {
	wrapped, err := a.Store.WrappedKey(ctx, export)
	if err != nil {
		return nil, err
	}
	return a.Vault.Unlock(ctx, wrapped, account, export)
}

// Complete is what CompleteExport is told.
type Complete struct {
	Export  string
	Account string
	Archive Assembled
	Windows schema.Windows
}

// Completed is when an export was completed, and until when that counts.
type Completed struct {
	CompletedAt      time.Time
	ExpiresAt        time.Time
	AvailableAgainAt time.Time
}

// CompleteExport reads back what was stored, and only if every byte is what
// was assembled moves the row to completed. Running it again answers the
// first time, whatever has become of the archive since.
func (a *Activities) CompleteExport(ctx context.Context, in Complete) (Completed, error) {
	defer beat(ctx)()
	completed, err := a.complete(ctx, in)
	return completed, verdict(ctx, err)
}

func (a *Activities) complete(ctx context.Context, in Complete) (Completed, error) {
	e, err := a.Store.Export(ctx, in.Export)
	if err != nil {
		return Completed{}, err
	}
	if completed, already := completedOf(e); already {
		return completed, nil
	}
	if err := a.verify(ctx, in); err != nil {
		return Completed{}, err
	}
	if e, err = a.Store.CompleteExport(ctx, in.Export, in.Archive.Archive, in.Windows); err != nil {
		return Completed{}, err
	}
	completed, ok := completedOf(e)
	if !ok {
		return Completed{}, schema.Errorf(schema.Conflict, schema.CodeNotProcessing, "The export is not being made.")
	}
	return completed, nil
}

func completedOf(e schema.Export) (Completed, bool) {
	if e.CompletedAt == nil || e.ExpiresAt == nil || e.AvailableAgainAt == nil {
		return Completed{}, false
	}
	return Completed{CompletedAt: *e.CompletedAt, ExpiresAt: *e.ExpiresAt, AvailableAgainAt: *e.AvailableAgainAt}, true
}

var errDamaged = errors.New("what was stored is not what was written")

func (a *Activities) verify(ctx context.Context, in Complete) error {
	opener, err := a.unlock(ctx, in.Account, in.Export)
	if err != nil {
		return err
	}
	stored, err := opener.Open(ctx, in.Archive.ObjectKey)
	if err != nil {
		return err
	}
	defer stored.Close() //nolint:errcheck // it was read to the end, or the error is known
	sum := sha256.New()
	size, err := io.Copy(sum, stored)
	if err != nil {
		return fmt.Errorf("read the archive of %s: %w", in.Export, err)
	}
	if size != in.Archive.GzipSize || hex.EncodeToString(sum.Sum(nil)) != in.Archive.GzipSHA256 {
		return fmt.Errorf("archive of %s: %w", in.Export, errDamaged)
	}
	return nil
}
