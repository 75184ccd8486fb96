package activities

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"
)

// chunkSize is about how much text is passed from stage to stage at a time.
const chunkSize = 128 << 10

// Rows are records as JSON text.
type Rows interface {
	AppendRow(dst []byte) ([]byte, error) // io.EOF behind the last
}

// Framing is the text around records.
type Framing struct {
	First   string // before the first record
	Between string // before every other record
	After   string // after every record
}

// Chunk is a run of whole records on its way from the reader to the compressor.
type Chunk struct {
	Text              []byte
	Records           int64
	FirstKey, LastKey string // "" where rows have no keys
	EndsPiece         bool   // a piece ends behind it
}

// Compressor compresses the chunks of one reading in order.
type Compressor interface {
	// Compress takes one chunk. The chunk is not used after it returns.
	Compress(ctx context.Context, c *Chunk) error
	// Finish ends the output. It is called also after a reading that failed, since
	// what was read until then may count.
	Finish(ctx context.Context) error
}

// Pipeline reads records and compresses them at the same time.
type Pipeline struct {
	Framing   Framing
	PieceSize int           // of text after which a piece ends; 0 for no end
	Key       func() string // of the row appended last; nil where keys are not needed
}

var chunks = sync.Pool{New: func() any { return new(Chunk) }}

// Run reads rows to their end while to compresses what was read. The reader is a
// few chunks ahead at most, so that a slow compressor, or slow storage behind it,
// slows the reading and memory stays flat.
func (p Pipeline) Run(ctx context.Context, rows Rows, to Compressor) error {
	stages, ctx := errgroup.WithContext(ctx)
	read := make(chan *Chunk, 2)
	stages.Go(func() error { return compress(ctx, read, to) })
	readErr := func() error {
		defer close(read)
		return p.read(ctx, rows, read)
	}()
	if err := stages.Wait(); err != nil {
		return err
	}
	return readErr
}

func compress(ctx context.Context, in <-chan *Chunk, to Compressor) error {
	for c := range in {
		if err := to.Compress(ctx, c); err != nil {
			return err
		}
		chunks.Put(c)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return to.Finish(ctx)
}

// read joins records to chunks.
func (p Pipeline) read(ctx context.Context, rows Rows, out chan<- *Chunk) error {
	key := p.Key
	if key == nil {
		key = func() string { return "" }
	}
	chunk := newChunk()
	send := func(next *Chunk) error {
		chunk.LastKey = key()
		select {
		case out <- chunk:
			chunk = next
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	before := p.Framing.First
	for pieceSize := 0; ; {
		had := len(chunk.Text)
		text, err := rows.AppendRow(append(chunk.Text, before...))
		if errors.Is(err, io.EOF) && chunk.Records > 0 {
			return send(nil)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		chunk.Text, before = append(text, p.Framing.After...), p.Framing.Between
		if chunk.Records++; chunk.Records == 1 {
			chunk.FirstKey = key()
		}
		pieceSize += len(chunk.Text) - had
		if chunk.EndsPiece = p.PieceSize > 0 && pieceSize >= p.PieceSize; chunk.EndsPiece {
			pieceSize = 0
		}
		if chunk.EndsPiece || len(chunk.Text) >= chunkSize {
			if err := send(newChunk()); err != nil {
				return err
			}
		}
	}
}

func newChunk() *Chunk {
	c := chunks.Get().(*Chunk)
	*c = Chunk{Text: c.Text[:0]}
	return c
}
