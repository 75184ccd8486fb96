package accountexport

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"golang.org/x/sync/errgroup"

	"satchel/activities"
	"satchel/schema"
)

// defaultPieceSize is about how much JSON text one piece holds. A crash loses at most one piece,
// a range request inflates at most one, and the assembler keeps a few in memory.
const defaultPieceSize = 8 << 20

// pieceWriter cuts one category into pieces, stores each, and adds it to the
// ledger.
type pieceWriter struct {
	objects   objectStore
	ledger    pieceLedger
	count     Counters
	in        CollectCategoryInput
	recipient string
	query     string // its hash
	attempt   string // random: no other attempt ever writes the same keys
	readAt    time.Time
	pieces    int    // in the ledger so far
	after     string // the last key of them
	pieceSize int
	buffers   sync.Pool
}

// piece is a compressed piece on its way to the object store.
type piece struct {
	schema.Piece
	deflate bytes.Buffer
}

func newPieceWriter(objects objectStore, ledger pieceLedger, count Counters, in CollectCategoryInput, recipient, query string, checkpoint schema.Checkpoint, readAt time.Time) *pieceWriter {
	var attempt [4]byte
	rand.Read(attempt[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	return &pieceWriter{
		objects: objects, ledger: ledger, count: count, in: in, recipient: recipient, query: query, attempt: hex.EncodeToString(attempt[:]),
		readAt: readAt, pieces: checkpoint.Pieces, after: checkpoint.LastKey, pieceSize: defaultPieceSize,
		buffers: sync.Pool{New: func() any { return new(piece) }},
	}
}

// write reads, compresses and stores at the same time. What was read before an
// error still counts.
func (w *pieceWriter) write(ctx context.Context, rows schema.RecordReader) error {
	storing, ctx := errgroup.WithContext(ctx)
	pieces := make(chan *piece, 1)
	storing.Go(func() error { return w.store(ctx, pieces) })
	err := w.compressRows(ctx, rows, pieces)
	close(pieces)
	if err := storing.Wait(); err != nil {
		return err
	}
	return err
}

// compressRows writes records in the form in which they stand in a JSON array: the
// first one of a section follows "[", every other one a comma.
func (w *pieceWriter) compressRows(ctx context.Context, rows schema.RecordReader, out chan<- *piece) error {
	deflate, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		return err
	}
	framing := activities.Framing{First: "[", Between: ",\n"}
	if w.pieces > 0 {
		framing.First = framing.Between
	}
	return activities.Pipeline{Framing: framing, PieceSize: w.pieceSize, Key: rows.Key}.
		Run(ctx, rows, &pieceCompressor{pieceWriter: w, deflate: deflate, next: w.pieces, out: out})
}

// pieceCompressor makes each piece a deflate stream of its own that ends on a byte
// boundary without being final, so that pieces can follow each other in one gzip
// member.
type pieceCompressor struct {
	*pieceWriter
	deflate *flate.Writer
	piece   *piece // nil between pieces
	next    int    // sequence number
	out     chan<- *piece
}

// Compress is activities.Compressor.
func (c *pieceCompressor) Compress(ctx context.Context, chunk *activities.Chunk) error {
	if c.piece == nil {
		c.begin(chunk.FirstKey)
	}
	if _, err := c.deflate.Write(chunk.Text); err != nil {
		return err
	}
	c.piece.Records += chunk.Records
	c.piece.TextBytes += int64(len(chunk.Text))
	c.piece.LastKey = chunk.LastKey
	if !chunk.EndsPiece {
		return nil
	}
	return c.Finish(ctx)
}

func (c *pieceCompressor) begin(firstKey string) {
	c.piece = c.buffers.Get().(*piece)
	c.piece.deflate.Reset()
	c.piece.Piece = schema.Piece{
		Category: c.in.Category, Seq: c.next, FirstKey: firstKey, ReadAt: c.readAt,
		ObjectKey: schema.PieceObject(c.in.Export, c.in.Category, c.next, c.attempt),
	}
	c.next++
	c.deflate.Reset(&c.piece.deflate)
}

// Finish is activities.Compressor: it ends the piece, if there is one.
func (c *pieceCompressor) Finish(ctx context.Context) error {
	if c.piece == nil {
		return nil
	}
	if err := c.deflate.Flush(); err != nil {
		return err
	}
	sum := sha256.Sum256(c.piece.deflate.Bytes())
	c.piece.SHA256, c.piece.GzipBytes = hex.EncodeToString(sum[:]), int64(c.piece.deflate.Len())
	select {
	case c.out <- c.piece:
		c.piece = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// store stores each piece and then adds it to the ledger, in this order, so that
// every piece of the ledger is stored.
func (w *pieceWriter) store(ctx context.Context, in <-chan *piece) error {
	for p := range in {
		if err := w.objects.Put(ctx, p.ObjectKey, w.recipient, p.deflate.Bytes()); err != nil {
			return fmt.Errorf("store a piece of %s: %w", w.in.Category, err)
		}
		if err := w.ledger.AddPiece(ctx, w.in.Export, p.Piece, w.query, w.after); err != nil {
			return err
		}
		w.pieces++
		w.after = p.LastKey
		w.count.Wrote(w.in.Category, p.Records, p.TextBytes)
		w.buffers.Put(p)
	}
	return nil
}
