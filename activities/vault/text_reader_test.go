package vault

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// archive returns a gzip file of text in segments of about segmentSize, each an
// independent deflate stream.
func archive(t testing.TB, size, segmentSize int) (gz, text []byte, segments []schema.Segment) {
	t.Helper()
	for n := 0; len(text) < size; n++ {
		text = fmt.Appendf(text, `{"sid":"CA%032x","number":%d,"status":"completed"},`+"\n", n*7919, n)
	}
	text = text[:size]
	gz = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	for off := 0; off < size; off += segmentSize {
		segments = append(segments, schema.Segment{TextOffset: int64(off), GzipOffset: int64(len(gz))})
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, 1)
		require.NoError(t, err)
		_, err = w.Write(text[off:min(off+segmentSize, size)])
		require.NoError(t, err)
		require.NoError(t, w.Flush())
		gz = append(gz, out.Bytes()...)
	}
	gz = append(gz, 1, 0, 0, 0xff, 0xff) // a last, empty, stored block
	sum := crc32.ChecksumIEEE(text)
	for _, n := range []uint32{sum, uint32(size)} {
		gz = append(gz, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	// Any gzip reader must be able to read the file.
	r, err := gzip.NewReader(bytes.NewReader(gz))
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, bytes.Equal(text, got))
	return gz, text, segments
}

// countingReaderAt counts the bytes read.
type countingReaderAt struct {
	io.ReaderAt
	bytes int64
}

func (c *countingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.bytes += int64(n)
	return n, err
}

func TestAnyRangeOfTheTextCanBeRead(t *testing.T) {
	gz, text, segments := archive(t, 3_000_000, 200_000)
	r := NewTextReader(bytes.NewReader(gz), int64(len(gz)), int64(len(text)), segments)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, bytes.Equal(text, got))

	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		off := random.Int64N(int64(len(text)) + 1)
		p := make([]byte, min(random.Int64N(300_000), int64(len(text))-off))
		at, err := r.Seek(off, io.SeekStart)
		require.NoError(t, err)
		require.Equal(t, off, at)
		_, err = io.ReadFull(r, p)
		require.NoError(t, err)
		require.True(t, bytes.Equal(text[off:off+int64(len(p))], p), "at %d", off)
	}
	at, err := r.Seek(-5, io.SeekEnd)
	require.NoError(t, err)
	require.EqualValues(t, len(text)-5, at)
	got, err = io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, text[len(text)-5:], got)
	_, err = r.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
}

func TestARangeOfTheTextCostsOneSegment(t *testing.T) {
	gz, text, segments := archive(t, 6_000_000, 500_000)
	file := &countingReaderAt{ReaderAt: bytes.NewReader(gz)}
	r := NewTextReader(file, int64(len(gz)), int64(len(text)), segments)
	_, err := r.Seek(4_250_000, io.SeekStart)
	require.NoError(t, err)
	p := make([]byte, 1000)
	_, err = io.ReadFull(r, p)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.True(t, bytes.Equal(text[4_250_000:4_251_000], p))
	segment := segments[9].GzipOffset - segments[8].GzipOffset
	require.Less(t, file.bytes, segment+4*minReadAhead)
}

func TestSeekingAloneReadsNothing(t *testing.T) {
	_, text, segments := archive(t, 100_000, 50_000)
	r := NewTextReader(nil, 1, int64(len(text)), segments)
	for _, whence := range []int{io.SeekStart, io.SeekCurrent, io.SeekEnd} {
		_, err := r.Seek(0, whence)
		require.NoError(t, err)
	}
	_, err := r.Seek(-1, io.SeekStart)
	require.Error(t, err)
	require.NoError(t, r.Close())
}

func TestDamagedArchivesAreErrors(t *testing.T) {
	gz, text, segments := archive(t, 500_000, 100_000)
	size := int64(len(text))
	for what, r := range map[string]*TextReader{
		"a truncated file":   NewTextReader(bytes.NewReader(gz), segments[3].GzipOffset+100, size, segments),
		"a wrong text size":  NewTextReader(bytes.NewReader(gz), int64(len(gz)), size+1, segments),
		"a wrong segment":    NewTextReader(bytes.NewReader(gz), int64(len(gz)), size, []schema.Segment{{TextOffset: 0, GzipOffset: 17}}),
		"no segment":         NewTextReader(bytes.NewReader(gz), int64(len(gz)), size, nil),
		"an unreadable file": NewTextReader(failing{}, int64(len(gz)), size, segments),
	} {
		got, err := io.ReadAll(r)
		require.Error(t, err, what)
		require.Less(t, int64(len(got)), size+1, what)
		require.NoError(t, r.Close())
	}
	_, err := io.ReadAll(NewTextReader(failing{}, int64(len(gz)), size, segments))
	require.ErrorIs(t, err, errTest)
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errTest }

func TestTheTextOfASealedArchiveDownloadsInRanges(t *testing.T) {
	v, w := testVault(t)
	requireNoLeakedGoroutines(t, w)
	e := newExport(t, v)
	gz, text, segments := archive(t, 10_000_000, 1_000_000)
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, writeAll(gz))
	require.NoError(t, err)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r, err := v.OpenAt(q.Context(), e.prefix+"archive", e.identity)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer r.Close()
		inflated := NewTextReader(r, r.Size(), int64(len(text)), segments)
		defer inflated.Close()
		w.Header().Set("ETag", `"the-text"`)
		w.Header().Set("Content-Type", "application/json")
		http.ServeContent(w, q, "", time.Time{}, inflated)
	}))
	defer srv.Close()
	defer srv.Client().CloseIdleConnections()

	for _, at := range [][2]int{{0, len(text)}, {0, 1}, {4_999_999, 3_000_000}, {9_999_990, 10}, {123, 456}} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		require.NoError(t, err)
		q.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", at[0], at[0]+at[1]-1))
		res, err := srv.Client().Do(q)
		require.NoError(t, err)
		got, err := io.ReadAll(res.Body)
		require.NoError(t, errors.Join(err, res.Body.Close()))
		require.Equal(t, http.StatusPartialContent, res.StatusCode)
		require.True(t, bytes.Equal(text[at[0]:at[0]+at[1]], got), "%v", at)
	}
}
