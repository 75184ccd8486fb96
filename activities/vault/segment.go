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

// TextReader reads the document inside a gzip file from any place on, at the
// price of inflating from the nearest segment's beginning. Seeking alone reads
// nothing. It is for one goroutine.
type TextReader struct {
	gz       io.ReaderAt
	gzipSize int64
	textSize int64
	segments []schema.Segment

	off     int64         // where the next Read reads
	next    *ahead        // compressed bytes; nil while nothing is open
	buffer  *bufio.Reader // over next
	inflate io.ReadCloser // over buffer
	at      int64         // where inflate stands in the text
}

// NewTextReader reads the textSize bytes of text in gz. The segments are in
// order, and the first begins with the text. Closing the TextReader does not
// close gz.
func NewTextReader(gz io.ReaderAt, gzipSize, textSize int64, segments []schema.Segment) *TextReader {
	return &TextReader{gz: gz, gzipSize: gzipSize, textSize: textSize, segments: segments}
}

func (t *TextReader) Read(p []byte) (int, error) {
	if t.off >= t.textSize {
		return 0, io.EOF
	}
	if t.next == nil || t.at != t.off {
		if err := t.move(); err != nil {
			return 0, err
		}
	}
	n, err := t.inflate.Read(p[:min(int64(len(p)), t.textSize-t.off)])
	t.off += int64(n)
	t.at = t.off
	if err == io.EOF && t.off == t.textSize && n > 0 {
		err = nil // the next Read says it
	}
	return n, inflating(err)
}

// move brings inflate to off: onward where it stands in the same segment or no
// segment lies between, else from the segment's beginning.
func (t *TextReader) move() error {
	i := sort.Search(len(t.segments), func(i int) bool { return t.segments[i].TextOffset > t.off }) - 1
	if i < 0 {
		return errors.New("vault: the archive has no segment for its beginning")
	}
	start := t.segments[i]
	if t.next == nil || t.at > t.off || t.at < start.TextOffset {
		t.open(start)
	}
	n, err := io.CopyN(io.Discard, t.inflate, t.off-t.at)
	t.at += n
	return inflating(err)
}

func (t *TextReader) open(start schema.Segment) {
	t.stop()
	t.next, t.at = readAhead(io.NewSectionReader(t.gz, start.GzipOffset, t.gzipSize-start.GzipOffset)), start.TextOffset
	if t.inflate == nil {
		t.buffer = bufio.NewReaderSize(t.next, chunk)
		t.inflate = flate.NewReader(t.buffer)
		return
	}
	t.buffer.Reset(t.next)
	_ = t.inflate.(flate.Resetter).Reset(t.buffer, nil) // never fails without a dictionary
}

// inflating names an error; the file's end before the text's is one.
func inflating(err error) error {
	if err == nil {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("vault: inflate: %w", err)
}

// Seek is io.Seeker.
func (t *TextReader) Seek(offset int64, whence int) (int64, error) {
	off, err := seek(t.off, t.textSize, offset, whence)
	t.off = off
	return off, err
}

func (t *TextReader) stop() {
	if t.next != nil {
		_ = t.next.Close() // it has nothing to say
		t.next = nil
	}
}

// Close ends reading ahead. The TextReader may still be used.
func (t *TextReader) Close() error {
	t.stop()
	return nil
}
