package accountexport

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"

	"satchel/schema"
)

// archiveWriter writes the document as one gzip member: the pieces' deflate
// streams as they are, with small streams of its own between them.
type archiveWriter struct {
	gzip     io.Writer
	gzipSize int64
	gzipSum  hash.Hash

	textSize int64
	textSum  hash.Hash
	crc      uint32

	deflate  *flate.Writer // compresses the text between pieces into deflated
	deflated bytes.Buffer
	segments []schema.Segment
	manifest bytes.Buffer
}

func newArchiveWriter(w io.Writer) *archiveWriter {
	deflate, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return &archiveWriter{gzip: w, gzipSum: sha256.New(), textSum: sha256.New(), deflate: deflate}
}

// gzipHeader has no name and no time, so that the same records give the same
// bytes.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

// lastBlock is the empty deflate block that ends a stream.
var lastBlock = []byte{3, 0}

// write writes the whole document. It was exported at the instant of the oldest snapshot
// that a section was read in.
func (w *archiveWriter) write(account string, sections []schema.Section, pieces *pieceReader) error {
	if err := w.raw(gzipHeader); err != nil {
		return err
	}
	w.segments = append(w.segments, schema.Segment{GzipOffset: w.gzipSize})
	first := slices.MinFunc(sections, func(a, b schema.Section) int { return a.ReadAt().Compare(b.ReadAt()) })
	if err := w.text(fmt.Sprintf(`{"exportVersion":%q,"accountId":%q,"exportedAt":%q,"data":{`,
		schema.ExportVersion, account, first.ReadAt().Format(time.RFC3339))); err != nil {
		return err
	}
	for i, s := range sections {
		if err := w.section(i, s, pieces); err != nil {
			return err
		}
	}
	if err := w.text(`},"manifest":{` + w.manifest.String() + "}}\n"); err != nil {
		return err
	}
	trailer := binary.LittleEndian.AppendUint32(bytes.Clone(lastBlock), w.crc)
	return w.raw(binary.LittleEndian.AppendUint32(trailer, uint32(w.textSize)))
}

// section writes one category and its entry of the manifest.
func (w *archiveWriter) section(i int, s schema.Section, pieces *pieceReader) error {
	comma := ""
	if i > 0 {
		comma = ","
	}
	if err := w.text(fmt.Sprintf("%s%q:", comma, s.Category)); err != nil {
		return err
	}
	sum, end := sha256.New(), "]"
	if len(s.Pieces) == 0 {
		end = "[]"
	}
	for range s.Pieces {
		p, err := pieces.next()
		if err != nil {
			return err
		}
		w.segments = append(w.segments, schema.Segment{TextOffset: w.textSize, GzipOffset: w.gzipSize})
		if err := w.piece(p, sum); err != nil {
			return err
		}
		pieces.release(p)
	}
	sum.Write([]byte(end))
	entry, err := json.Marshal(manifestEntry{Records: s.Records, SHA256: hex.EncodeToString(sum.Sum(nil)), ReadAt: s.ReadAt(), Readings: s.Readings()})
	if err != nil {
		return err
	}
	fmt.Fprintf(&w.manifest, "%s%q:%s", comma, s.Category, entry)
	return w.text(end)
}

// manifestEntry has a category's number of records, the hash of its array's bytes
// as they stand in the document, and when it was read: the oldest instant, and each with
// the records that were read then.
type manifestEntry struct {
	Records  int64            `json:"records"`
	SHA256   string           `json:"sha256"`
	ReadAt   time.Time        `json:"readAt"`
	Readings []schema.Reading `json:"readings"`
}

// piece copies a piece's deflate stream. Its text is hashed for the section
// and for the document at the same time.
func (w *archiveWriter) piece(p *openPiece, section hash.Hash) error {
	var hashing sync.WaitGroup
	hashing.Go(func() { section.Write(p.text) })
	w.count(p.text)
	err := w.raw(p.deflate)
	hashing.Wait()
	return err
}

// text compresses text between pieces.
func (w *archiveWriter) text(s string) error {
	w.count([]byte(s))
	w.deflated.Reset()
	w.deflate.Reset(&w.deflated)
	if _, err := io.WriteString(w.deflate, s); err != nil {
		return err
	}
	if err := w.deflate.Flush(); err != nil {
		return err
	}
	return w.raw(w.deflated.Bytes())
}

// count adds text to the document's size, hash and CRC.
func (w *archiveWriter) count(text []byte) {
	w.textSize += int64(len(text))
	w.textSum.Write(text)
	w.crc = crc32.Update(w.crc, crc32.IEEETable, text)
}

// raw writes bytes of the gzip file.
func (w *archiveWriter) raw(b []byte) error {
	w.gzipSize += int64(len(b))
	w.gzipSum.Write(b)
	_, err := w.gzip.Write(b)
	return err
}

func (w *archiveWriter) archive(key string) schema.Archive {
	return schema.Archive{
		ObjectKey: key,
		Size:      w.textSize, SHA256: hex.EncodeToString(w.textSum.Sum(nil)),
		GzipSize: w.gzipSize, GzipSHA256: hex.EncodeToString(w.gzipSum.Sum(nil)),
	}
}
