package activities

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"

	"satchel/schema"
)

// openPiece is a piece in memory, compressed as it was stored and inflated.
type openPiece struct {
	deflate, text []byte
	inflate       io.ReadCloser
	err           error
}

// pieceReader opens the pieces of all sections in order, a few ahead of
// whoever calls next.
type pieceReader struct {
	opener  Opener
	opening chan chan *openPiece
	spare   chan *openPiece // bounds the memory: whoever opens a piece takes one of these
	stop    context.CancelFunc
}

const piecesAhead = 2

func readPieces(ctx context.Context, sections []schema.Section, opener Opener) *pieceReader {
	ctx, stop := context.WithCancel(ctx)
	r := &pieceReader{opener: opener, stop: stop,
		opening: make(chan chan *openPiece, piecesAhead), spare: make(chan *openPiece, piecesAhead)}
	for range piecesAhead {
		r.spare <- &openPiece{inflate: flate.NewReader(nil)}
	}
	go r.openAll(ctx, sections)
	return r
}

func (r *pieceReader) openAll(ctx context.Context, sections []schema.Section) {
	defer close(r.opening)
	for _, s := range sections {
		for _, p := range s.Pieces {
			select {
			case spare := <-r.spare:
				opened := make(chan *openPiece, 1)
				r.opening <- opened
				go func() {
					spare.err = spare.open(ctx, p, r.opener)
					opened <- spare
				}()
			case <-ctx.Done():
				return
			}
		}
	}
}

// next returns the next piece, to be given back with done.
func (r *pieceReader) next() (*openPiece, error) {
	opened, ok := <-r.opening
	if !ok {
		return nil, io.ErrUnexpectedEOF // stopped; the ledger never promises more than it has
	}
	p := <-opened
	return p, p.err
}

func (r *pieceReader) done(p *openPiece) { r.spare <- p }

// open fetches one piece and holds it against the ledger.
func (o *openPiece) open(ctx context.Context, p schema.Piece, opener Opener) (err error) {
	if o.deflate, err = opener.Get(ctx, p.ObjectKey, o.deflate[:0]); err != nil {
		return fmt.Errorf("read a piece of %s: %w", p.Category, err)
	}
	if sum := sha256.Sum256(o.deflate); hex.EncodeToString(sum[:]) != p.SHA256 {
		return fmt.Errorf("piece %d of %s: %w", p.Seq, p.Category, errDamaged)
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
		return fmt.Errorf("inflate piece %d of %s: %w", p.Seq, p.Category, errDamaged)
	}
	return nil
}
