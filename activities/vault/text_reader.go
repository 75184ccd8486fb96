package vault

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/klauspost/compress/flate"

	"satchel/schema"
)

// TextReader is an io.ReadSeeker over the uncompressed document inside a gzip file.
// Reading at any offset costs inflating from the start of its segment. Seeking alone
// reads nothing. A TextReader is for one goroutine.
type TextReader struct {
	gz       io.ReaderAt
	gzipSize int64
	textSize int64
	segments []schema.Segment

	off        int64         // of the next Read
	compressed *readAhead    // nil while no segment is open
	buffered   *bufio.Reader // over compressed
	inflater   io.ReadCloser // over buffered
	inflated   int64         // offset of inflater's next byte
}

// NewTextReader returns a reader of the textSize bytes of text in gz. The segments
// are in order, and the first one starts at the beginning of the text. Closing the
// TextReader does not close gz.
func NewTextReader(gz io.ReaderAt, gzipSize, textSize int64, segments []schema.Segment) *TextReader {
	return &TextReader{gz: gz, gzipSize: gzipSize, textSize: textSize, segments: segments}
}

func (t *TextReader) Read(p []byte) (int, error) {
	if t.off >= t.textSize {
		return 0, io.EOF
	}
	if t.compressed == nil || t.inflated != t.off {
		if err := t.advance(); err != nil {
			return 0, err
		}
	}
	n, err := t.inflater.Read(p[:min(int64(len(p)), t.textSize-t.off)])
	t.off += int64(n)
	t.inflated = t.off
	if err == io.EOF && t.off == t.textSize && n > 0 {
		err = nil // the next Read returns io.EOF
	}
	return n, inflateError(err)
}

// advance moves the inflater to off: forward if it already is in off's segment,
// otherwise from the start of that segment.
func (t *TextReader) advance() error {
	i := sort.Search(len(t.segments), func(i int) bool { return t.segments[i].TextOffset > t.off }) - 1
	if i < 0 {
		return errors.New("vault: the archive has no segment at its start")
	}
	start := t.segments[i]
	if t.compressed == nil || t.inflated > t.off || t.inflated < start.TextOffset {
		t.open(start)
	}
	n, err := io.CopyN(io.Discard, t.inflater, t.off-t.inflated)
	t.inflated += n
	return inflateError(err)
}

func (t *TextReader) open(start schema.Segment) {
	t.stop()
	longest := maxReadAhead
	if r, ok := t.gz.(*Reader); ok && r.lean {
		longest = maxLeanReadAhead
	}
	t.compressed = newReadAhead(io.NewSectionReader(t.gz, start.GzipOffset, t.gzipSize-start.GzipOffset), longest)
	t.inflated = start.TextOffset
	if t.inflater == nil {
		t.buffered = bufio.NewReaderSize(t.compressed, ageChunkSize)
		t.inflater = flate.NewReader(t.buffered)
		return
	}
	t.buffered.Reset(t.compressed)
	_ = t.inflater.(flate.Resetter).Reset(t.buffered, nil) // never fails without a dictionary
}

// inflateError wraps an error. The end of the file before the end of the text is one.
func inflateError(err error) error {
	if err == nil {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("vault: inflate: %w", err)
}

// Seek implements io.Seeker.
func (t *TextReader) Seek(offset int64, whence int) (int64, error) {
	off, err := seek(t.off, t.textSize, offset, whence)
	t.off = off
	return off, err
}

func (t *TextReader) stop() {
	if t.compressed != nil {
		_ = t.compressed.Close() // never fails
		t.compressed = nil
	}
}

// Close stops reading ahead. The TextReader may still be used.
func (t *TextReader) Close() error {
	t.stop()
	return nil
}
