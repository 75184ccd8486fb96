package vault

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

const (
	pieceBytes   = 2 << 20 // 16 MiB of JSON text, compressed
	archiveBytes = 128 << 20
)

// sink discards bytes. It has no ReadFrom, so io.Copy cannot take a shortcut.
type sink struct{}

func (sink) Write(p []byte) (int, error) { return len(p), nil }

// The plain benchmarks measure the bucket alone, through the same client, as a
// baseline for the others.

func BenchmarkPlainPutOfAPiece(b *testing.B)    { plainPut(b, pieceBytes) }
func BenchmarkPlainPutOfAnArchive(b *testing.B) { plainPut(b, archiveBytes) }

func plainPut(b *testing.B, size int) {
	v, _ := testVault(b)
	body := randomBytes(size)
	b.SetBytes(int64(size))
	n := 0
	for b.Loop() {
		n++
		_, err := v.s3.PutObject(b.Context(), &s3.PutObjectInput{
			Bucket: &v.bucket, Key: aws.String(fmt.Sprint("plain/", n)), Body: bytes.NewReader(body),
		})
		require.NoError(b, err)
	}
}

func BenchmarkPut(b *testing.B) {
	v, _ := testVault(b)
	e := newExport(b, v)
	body := randomBytes(pieceBytes)
	b.SetBytes(pieceBytes)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		require.NoError(b, v.Put(b.Context(), fmt.Sprint(e.prefix, "calls/", n), e.recipient, body))
	}
}

func BenchmarkCreate(b *testing.B) {
	v, _ := testVault(b)
	e := newExport(b, v)
	block := randomBytes(1 << 20)
	b.SetBytes(archiveBytes)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		_, err := v.Create(b.Context(), fmt.Sprint(e.prefix, "archive-", n), e.recipient, func(w io.Writer) error {
			for range archiveBytes >> 20 {
				if _, err := w.Write(block); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(b, err)
	}
}

// storedArchive stores an archive in the bucket.
func storedArchive(b *testing.B) (*Vault, export, string) {
	v, _ := testVault(b)
	e := newExport(b, v)
	_, err := v.Create(b.Context(), e.prefix+"archive", e.recipient, writeAll(randomBytes(archiveBytes)))
	require.NoError(b, err)
	b.SetBytes(archiveBytes)
	return v, e, e.prefix + "archive"
}

func BenchmarkPlainGet(b *testing.B) {
	v, _, key := storedArchive(b)
	for b.Loop() {
		got, err := v.s3.GetObject(b.Context(), &s3.GetObjectInput{Bucket: &v.bucket, Key: &key})
		require.NoError(b, err)
		_, err = io.Copy(sink{}, got.Body)
		require.NoError(b, err)
		require.NoError(b, got.Body.Close())
	}
}

func BenchmarkStream(b *testing.B) {
	v, e, key := storedArchive(b)
	b.ReportAllocs()
	for b.Loop() {
		r, err := v.OpenAt(b.Context(), key, e.identity)
		require.NoError(b, err)
		s := r.Stream()
		_, err = io.Copy(sink{}, s)
		require.NoError(b, err)
		require.NoError(b, s.Close())
		require.NoError(b, r.Close())
	}
}

func BenchmarkGet(b *testing.B) {
	v, e, _ := storedArchive(b)
	require.NoError(b, v.Put(b.Context(), e.prefix+"calls/1-1", e.recipient, randomBytes(pieceBytes)))
	b.SetBytes(pieceBytes)
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		var err error
		buf, err = v.Get(b.Context(), e.prefix+"calls/1-1", e.identity, buf)
		require.NoError(b, err)
	}
}

// BenchmarkDownload serves a Stream over HTTP; BenchmarkPlainDownload is the same
// server forwarding the bucket's response.

func BenchmarkPlainDownload(b *testing.B) {
	v, _, key := storedArchive(b)
	download(b, func(w http.ResponseWriter, q *http.Request) {
		got, err := v.s3.GetObject(q.Context(), &s3.GetObjectInput{Bucket: &v.bucket, Key: &key})
		if err == nil {
			_, _ = io.Copy(w, got.Body)
			_ = got.Body.Close()
		}
	})
}

func BenchmarkDownload(b *testing.B) {
	v, e, key := storedArchive(b)
	download(b, serveObject(v, key, e.identity))
}

func download(b *testing.B, handle http.HandlerFunc) {
	srv := httptest.NewServer(handle)
	defer srv.Close()
	for b.Loop() {
		res, err := srv.Client().Get(srv.URL)
		require.NoError(b, err)
		n, err := io.Copy(sink{}, res.Body)
		require.NoError(b, err)
		require.GreaterOrEqual(b, n, int64(archiveBytes))
		require.NoError(b, res.Body.Close())
	}
}

func BenchmarkTextReader(b *testing.B) {
	gz, text, segments := archive(b, 64<<20, 16<<20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewTextReader(bytes.NewReader(gz), int64(len(gz)), int64(len(text)), segments)
		_, err := io.Copy(sink{}, r)
		require.NoError(b, err)
		require.NoError(b, r.Close())
	}
}
