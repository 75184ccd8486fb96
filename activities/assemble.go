package activities

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/flate"

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
	identity, err := a.identity(ctx, in.Account, in.Export)
	if err != nil {
		return schema.Archive{}, err
	}
	key := schema.ObjectPrefix(in.Export) + "archive-" + rand.Text()
	pieces := a.openPieces(ctx, sections, identity)
	defer pieces.stop()
	var document *archiveWriter
	if _, err := a.Vault.Create(ctx, key, recipient, func(w io.Writer) error {
		document = newArchiveWriter(w)
		return document.write(export.Account, time.Now(), sections, pieces.next)
	}); err != nil {
		return schema.Archive{}, fmt.Errorf("assemble %s: %w", in.Export, err)
	}
	if err := a.Store.AddSegments(ctx, in.Export, key, document.segments); err != nil {
		return schema.Archive{}, err
	}
	return document.archive(key), nil
}

func (a *Activities) identity(ctx context.Context, account, export string) (age.Identity, error) {
	wrapped, err := a.Store.WrappedKey(ctx, export)
	if err != nil {
		return nil, err
	}
	return a.Vault.Unwrap(ctx, wrapped, account, export)
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
// first time.
func (a *Activities) CompleteExport(ctx context.Context, in Complete) (Completed, error) {
	defer beat(ctx)()
	if err := a.verify(ctx, in); err != nil {
		return Completed{}, verdict(ctx, err)
	}
	e, err := a.Store.CompleteExport(ctx, in.Export, in.Archive.Archive, in.Windows)
	if err != nil {
		return Completed{}, verdict(ctx, err)
	}
	if e.CompletedAt == nil || e.ExpiresAt == nil || e.AvailableAgainAt == nil {
		return Completed{}, verdict(ctx, schema.Errorf(schema.Conflict, "not_processing", "The export is not being made."))
	}
	return Completed{CompletedAt: *e.CompletedAt, ExpiresAt: *e.ExpiresAt, AvailableAgainAt: *e.AvailableAgainAt}, nil
}

var errDamaged = errors.New("what was stored is not what was written")

func (a *Activities) verify(ctx context.Context, in Complete) error {
	identity, err := a.identity(ctx, in.Account, in.Export)
	if err != nil {
		return err
	}
	stored, err := a.Vault.Read(ctx, in.Archive.ObjectKey, identity)
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

// openPiece is a piece in memory, compressed as it was stored and inflated.
type openPiece struct {
	deflate, text []byte
	err           error
}

// openPieces fetches the pieces of all sections in order, a few ahead of
// whoever calls next.
func (a *Activities) openPieces(ctx context.Context, sections []schema.Section, identity age.Identity) *pieceReader {
	ctx, cancel := context.WithCancel(ctx)
	r := &pieceReader{ctx: ctx, cancel: cancel, opening: make(chan chan openPiece, piecesAhead), free: make(chan *openPiece, piecesAhead+2)}
	for range cap(r.free) {
		r.free <- &openPiece{}
	}
	go func() {
		defer close(r.opening)
		for _, s := range sections {
			for _, p := range s.Pieces {
				opened := make(chan openPiece, 1)
				select {
				case r.opening <- opened:
				case <-ctx.Done():
					return
				}
				go func() { opened <- a.openPiece(ctx, p, identity) }()
			}
		}
	}()
	return r
}

// piecesAhead bounds the assembler's memory: so many pieces, compressed and
// inflated, wait for their turn.
const piecesAhead = 2

type pieceReader struct {
	ctx     context.Context
	cancel  func()
	opening chan chan openPiece
	free    chan *openPiece
}

func (r *pieceReader) stop() { r.cancel() }

func (r *pieceReader) next() (openPiece, error) {
	select {
	case opened, ok := <-r.opening:
		if !ok {
			return openPiece{}, io.ErrUnexpectedEOF
		}
		p := <-opened
		return p, p.err
	case <-r.ctx.Done():
		return openPiece{}, r.ctx.Err()
	}
}

// openPiece fetches one piece and holds it against the ledger.
func (a *Activities) openPiece(ctx context.Context, p schema.Piece, identity age.Identity) openPiece {
	deflate, err := a.Vault.Get(ctx, p.ObjectKey, identity, nil)
	if err != nil {
		return openPiece{err: fmt.Errorf("read a piece of %s: %w", p.Category, err)}
	}
	if sum := sha256.Sum256(deflate); hex.EncodeToString(sum[:]) != p.SHA256 {
		return openPiece{err: fmt.Errorf("piece %d of %s: %w", p.Seq, p.Category, errDamaged)}
	}
	text := make([]byte, p.TextBytes)
	// The stream is not final: after its text comes the end of what there is.
	if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(deflate)), text); err != nil {
		return openPiece{err: fmt.Errorf("inflate piece %d of %s: %w", p.Seq, p.Category, errDamaged)}
	}
	return openPiece{deflate: deflate, text: text}
}
