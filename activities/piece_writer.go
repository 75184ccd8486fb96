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
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"golang.org/x/sync/errgroup"

	"satchel/schema"
)

const (
	// pieceText is about how much JSON text goes into one piece. It is what a
	// crash can cost, what a range of the download may have to inflate, and
	// what bounds the assembler's memory.
	pieceText = 8 << 20
	// textChunk is how much text is handed from stage to stage at a time.
	textChunk = 128 << 10
)

// pieceWriter cuts one category into pieces, stores each, and counts it.
type pieceWriter struct {
	*Activities
	in        Collect
	recipient string
	attempt   string // no other attempt, not even a forgotten one, writes the same keys
	readAt    time.Time
	pieces    int    // counted so far
	after     string // the last key of them

	chunks, sealings sync.Pool
}

// text is a run of whole records on its way to be compressed.
type text struct {
	json              []byte
	records           int64
	firstKey, lastKey string
	ends              bool // the piece ends behind it
}

// sealing is a compressed piece on its way to S3.
type sealing struct {
	schema.Piece
	deflate bytes.Buffer
}

func newPieceWriter(a *Activities, in Collect, recipient string, place schema.Place, readAt time.Time) *pieceWriter {
	var attempt [4]byte
	rand.Read(attempt[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	return &pieceWriter{
		Activities: a, in: in, recipient: recipient, attempt: hex.EncodeToString(attempt[:]),
		readAt: readAt, pieces: place.Pieces, after: place.LastKey,
		chunks:   sync.Pool{New: func() any { return new(text) }},
		sealings: sync.Pool{New: func() any { return new(sealing) }},
	}
}

// write reads, compresses and stores at the same time, each stage a little
// ahead of the next, so that a slow S3 slows the reading and memory stays flat.
func (w *pieceWriter) write(ctx context.Context, rows Rows) error {
	stages, ctx := errgroup.WithContext(ctx)
	texts := make(chan *text, 2)
	pieces := make(chan *sealing, 1)
	stages.Go(func() error { defer close(pieces); return w.compress(ctx, texts, pieces) })
	stages.Go(func() error { return w.store(ctx, pieces) })
	readErr := func() error {
		defer close(texts) // what was read before an error still counts
		return w.read(ctx, rows, texts)
	}()
	if err := stages.Wait(); err != nil {
		return err
	}
	return readErr
}

// read joins records to texts. The first record of a section follows its "[",
// every other one a comma.
func (w *pieceWriter) read(ctx context.Context, rows Rows, out chan<- *text) error {
	chunk := w.newText()
	send := func(next *text) error {
		chunk.lastKey = rows.Key()
		select {
		case out <- chunk:
			chunk = next
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	glue := ",\n"
	if w.pieces == 0 {
		glue = "["
	}
	for inPiece := 0; ; {
		before := len(chunk.json)
		json, err := rows.AppendRow(append(chunk.json, glue...))
		if errors.Is(err, io.EOF) && chunk.records > 0 {
			return send(nil)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		chunk.json, glue = json, ",\n"
		if chunk.records++; chunk.records == 1 {
			chunk.firstKey = rows.Key()
		}
		inPiece += len(chunk.json) - before
		if chunk.ends = inPiece >= pieceText; chunk.ends {
			inPiece = 0
		}
		if chunk.ends || len(chunk.json) >= textChunk {
			if err := send(w.newText()); err != nil {
				return err
			}
		}
	}
}

func (w *pieceWriter) newText() *text {
	t := w.chunks.Get().(*text)
	*t = text{json: t.json[:0]}
	return t
}

// compress makes each piece a deflate stream that begins afresh and ends on a
// byte boundary without being final, so that pieces can follow each other in
// one gzip member.
func (w *pieceWriter) compress(ctx context.Context, in <-chan *text, out chan<- *sealing) error {
	deflate, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		return err
	}
	var piece *sealing
	seq := w.pieces
	send := func() error {
		if err := deflate.Flush(); err != nil {
			return err
		}
		sum := sha256.Sum256(piece.deflate.Bytes())
		piece.SHA256, piece.GzipBytes = hex.EncodeToString(sum[:]), int64(piece.deflate.Len())
		select {
		case out <- piece:
			piece = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for chunk := range in {
		if piece == nil {
			piece = w.sealings.Get().(*sealing)
			piece.deflate.Reset()
			piece.Piece = schema.Piece{
				Category: w.in.Category, Seq: seq, FirstKey: chunk.firstKey, ReadAt: w.readAt,
				ObjectKey: schema.PieceObject(w.in.Export, w.in.Category, seq, w.attempt),
			}
			seq++
			deflate.Reset(&piece.deflate)
		}
		if _, err := deflate.Write(chunk.json); err != nil {
			return err
		}
		piece.Records += chunk.records
		piece.TextBytes += int64(len(chunk.json))
		piece.LastKey = chunk.lastKey
		ends := chunk.ends
		w.chunks.Put(chunk)
		if ends {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if piece == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return send()
}

// store keeps each piece and then counts it, in this order, so that whatever
// the ledger counts is there.
func (w *pieceWriter) store(ctx context.Context, in <-chan *sealing) error {
	for piece := range in {
		if err := w.Vault.Put(ctx, piece.ObjectKey, w.recipient, piece.deflate.Bytes()); err != nil {
			return fmt.Errorf("store a piece of %s: %w", w.in.Category, err)
		}
		if err := w.Store.AddPiece(ctx, w.in.Export, piece.Piece, w.after); err != nil {
			return err
		}
		w.pieces++
		w.after = piece.LastKey
		w.Count.Wrote(w.in.Category, piece.Records, piece.TextBytes)
		w.sealings.Put(piece)
	}
	return nil
}
