package accountexport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"

	"satchel/activities"
	"satchel/activities/readahead"
	"satchel/schema"
)

// openPiece is a piece in memory, compressed as it was stored and inflated.
type openPiece struct {
	deflate, text []byte
	inflate       io.ReadCloser
	err           error
}

// pieceReader opens the pieces of all sections in order, a few ahead of next.
type pieceReader struct {
	pieces *readahead.Reader[*openPiece]
	cancel context.CancelFunc
}

const piecesAhead = 2

func readPieces(ctx context.Context, sections []schema.Section, opener schema.ObjectOpener) *pieceReader {
	ctx, cancel := context.WithCancel(ctx)
	var left []schema.Piece
	for _, s := range sections {
		left = append(left, s.Pieces...)
	}
	var buffers []*openPiece
	for range piecesAhead {
		buffers = append(buffers, &openPiece{inflate: flate.NewReader(nil)})
	}
	return &pieceReader{cancel: cancel, pieces: readahead.Start(buffers, func(buf *openPiece) (func(), bool) {
		if len(left) == 0 || ctx.Err() != nil {
			return nil, false
		}
		p := left[0]
		left = left[1:]
		return func() { buf.err = buf.openIntact(ctx, p, opener) }, true
	})}
}

// next returns the next piece, to be given back with release.
func (r *pieceReader) next() (*openPiece, error) {
	p, ok := r.pieces.Next()
	if !ok {
		return nil, io.ErrUnexpectedEOF // closed; the caller asks for no more pieces than the ledger has
	}
	return p, p.err
}

func (r *pieceReader) release(p *openPiece) { r.pieces.Release(p) }

func (r *pieceReader) close() {
	r.cancel()
	r.pieces.Close()
}

// openIntact opens one piece. The error is a DamageError if the piece is gone or altered.
func (o *openPiece) openIntact(ctx context.Context, p schema.Piece, opener schema.ObjectOpener) error {
	err := o.open(ctx, p, opener)
	if errors.Is(err, schema.ErrDamaged) {
		err = &activities.DamageError{DamagedObject: activities.DamagedObject{Category: p.Category, ObjectKey: p.ObjectKey}, Cause: err}
	}
	return err
}

// open fetches one piece and compares it with the ledger.
func (o *openPiece) open(ctx context.Context, p schema.Piece, opener schema.ObjectOpener) (err error) {
	if o.deflate, err = opener.Get(ctx, p.ObjectKey, o.deflate[:0]); err != nil {
		return fmt.Errorf("read a piece of %s: %w", p.Category, err)
	}
	if sum := sha256.Sum256(o.deflate); hex.EncodeToString(sum[:]) != p.SHA256 {
		return fmt.Errorf("piece %d of %s: %w", p.Seq, p.Category, activities.ErrCorrupted)
	}
	if int64(cap(o.text)) < p.TextBytes {
		o.text = make([]byte, p.TextBytes+p.TextBytes/16) // the next may be a little longer
	}
	o.text = o.text[:p.TextBytes]
	if err := o.inflate.(flate.Resetter).Reset(bytes.NewReader(o.deflate), nil); err != nil {
		return err
	}
	// The stream is not final, so its end is where the text is complete.
	if _, err := io.ReadFull(o.inflate, o.text); err != nil {
		return fmt.Errorf("inflate piece %d of %s: %w", p.Seq, p.Category, activities.ErrCorrupted)
	}
	return nil
}
