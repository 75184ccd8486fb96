package accountexport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// sampleRows are records like those of calls, with enough variety to be realistic for a
// compressor. They end when the benchmark does.
type sampleRows struct {
	b    *testing.B
	rows [][]byte
	next int
}

func newSampleRows(b *testing.B) *sampleRows {
	r, random := &sampleRows{b: b}, rand.New(rand.NewPCG(1, 2))
	size := 0
	for i := range 5000 {
		id := func(prefix string) string {
			return fmt.Sprintf("%s%016x%016x", prefix, random.Uint64(), random.Uint64())
		}
		phone := func() string { return fmt.Sprintf("+1555%07d", random.IntN(1e7)) }
		at := time.Date(2026, 1, 1, 0, 0, i*31, random.IntN(1e6)*1000, time.UTC)
		row := fmt.Sprintf(`{"sid":%q,"parentCallSid":null,"phoneNumberSid":"PN%032x","flowSid":"FW%032x","campaignSid":null,"from":%q,"to":%q,`+
			`"callerName":"Zoë Ørsted %d","direction":"outbound-api","status":"completed","answeredBy":"human","dateCreated":%q,"dateUpdated":%q,`+
			`"startTime":%q,"endTime":%q,"duration":%d,"queueTime":0,"price":-0.0%d,"priceUnit":"USD","qualityScore":4.%d,"tags":["queue-%d","priority"],`+
			`"metadata":{"ticket": %d, "agent": "agent-%d", "survey": {"note": "Called about order %x", "score": %d}},`+
			`"sipHeaders":{"Call-ID": "%x@sip.example.com", "User-Agent": "Softphone/4.2", "X-Branch": %d}}`,
			id("CA"), i%20, i%5, phone(), phone(), i%1000, at.Format(time.RFC3339Nano), at.Add(time.Minute).Format(time.RFC3339Nano),
			at.Add(4*time.Second).Format(time.RFC3339Nano), at.Add(5*time.Minute).Format(time.RFC3339Nano), random.IntN(3600), random.IntN(900), random.IntN(10), i%8,
			random.IntN(1e6), i%250, random.Uint64(), i%11, random.Uint64(), i%100)
		r.rows, size = append(r.rows, []byte(row)), size+len(row)+2
	}
	b.SetBytes(int64(size / len(r.rows)))
	return r
}

func (r *sampleRows) Expected() (int64, error) { return 0, nil }
func (r *sampleRows) Key() string              { return "12345678" }

func (r *sampleRows) AppendRow(dst []byte) ([]byte, error) {
	if !r.b.Loop() {
		return dst, io.EOF
	}
	if r.next++; r.next == len(r.rows) {
		r.next = 0
	}
	return append(dst, r.rows[r.next]...), nil
}

// discard is a vault, a store and counters that return at once.
type discard struct {
	Vault
	Store
	Counters
}

func (discard) Put(context.Context, string, string, []byte) error                    { return nil }
func (discard) AddPiece(context.Context, string, schema.Piece, string, string) error { return nil }
func (discard) Wrote(schema.Category, int64, int64)                                  {}

// BenchmarkPieceWriter cuts and compresses rows; an operation is a row. Reading
// them and storing the pieces costs nothing here.
func BenchmarkPieceWriter(b *testing.B) {
	rows := newSampleRows(b)
	b.ReportAllocs()
	w := newPieceWriter(discard{}, discard{}, discard{}, CollectCategoryInput{Export: schema.NewExportID(), Category: "calls"}, "", "", schema.Checkpoint{}, time.Now())
	require.NoError(b, w.write(b.Context(), rows))
}

// memory is a vault that keeps the pieces.
type memory struct {
	discard
	objects map[string][]byte
	pieces  []schema.Piece
}

func (m *memory) Put(_ context.Context, key, _ string, body []byte) error {
	m.objects[key] = bytes.Clone(body)
	return nil
}

func (m *memory) AddPiece(_ context.Context, _ string, p schema.Piece, _, _ string) error {
	m.pieces = append(m.pieces, p)
	return nil
}

func (m *memory) Get(_ context.Context, key string, buf []byte) ([]byte, error) {
	return append(buf[:0], m.objects[key]...), nil
}

func (m *memory) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, io.ErrUnexpectedEOF
}

// fewRows ends after so many rows.
type fewRows struct {
	*sampleRows
	left int
}

func (r *fewRows) AppendRow(dst []byte) ([]byte, error) {
	if r.left--; r.left < 0 {
		return dst, io.EOF
	}
	return append(dst, r.rows[r.left%len(r.rows)]...), nil
}

// BenchmarkAssemble makes an archive of pieces in memory: hash, inflate, hash
// again, copy.
func BenchmarkAssemble(b *testing.B) {
	m := &memory{objects: map[string][]byte{}}
	w := newPieceWriter(m, m, m, CollectCategoryInput{Export: schema.NewExportID(), Category: "calls"}, "", "", schema.Checkpoint{}, time.Now())
	require.NoError(b, w.write(b.Context(), &fewRows{newSampleRows(b), 100_000}))
	section := schema.Section{Category: "calls", Pieces: m.pieces}
	var size int64
	for _, p := range m.pieces {
		section.Records, size = section.Records+p.Records, size+p.TextBytes
	}
	require.EqualValues(b, 100_000, section.Records)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		pieces := readPieces(b.Context(), []schema.Section{section}, m)
		document := newArchiveWriter(io.Discard)
		require.NoError(b, document.write("AC", []schema.Section{section}, pieces))
		pieces.close()
		require.Greater(b, document.textSize, size)
	}
}
