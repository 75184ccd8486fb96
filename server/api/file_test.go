package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/server/api"
)

// file is a fixture with one completed export and its archive.
type file struct {
	*fixture
	id, path    string
	text, gz    []byte
	completedAt time.Time

	endpoint, bucket, keyset string
}

// form is the file in one of its two content codings.
type form struct {
	encoding string
	bytes    []byte
	ask      func(*http.Request)
}

func (f *file) forms() []form {
	return []form{
		{"", f.text, header("Accept-Encoding", "identity")},
		{"gzip", f.gz, header("Accept-Encoding", "br, gzip;q=0.9")},
	}
}

func (f *file) requireRange(form form, ask string, from, to int) {
	f.t.Helper()
	a := f.send(f.owner, http.MethodGet, f.path, form.ask, header("Range", ask))
	require.Equal(f.t, http.StatusPartialContent, a.status, ask)
	require.Equal(f.t, fmt.Sprintf("bytes %d-%d/%d", from, to, len(form.bytes)), a.header.Get("Content-Range"))
	require.Equal(f.t, strconv.Itoa(to-from+1), a.header.Get("Content-Length"))
	require.Equal(f.t, sum(form.bytes[from:to+1]), sum([]byte(a.body)), ask)
}

// newFile makes an archive of about this many bytes of text, in segments, as
// a worker would.
func newFile(t *testing.T, size int) *file {
	t.Helper()
	f := &file{id: schema.NewExportID()}
	f.path = exports + "/" + f.id + "/archive"
	b := testservices.Bucket(t)
	bucketEnvironment(t, b)
	f.endpoint, f.bucket, f.keyset = b.Endpoint, b.Bucket, filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteKeyset(f.keyset))
	v := openVault(t, vault.Config{Bucket: b.Bucket, Endpoint: b.Endpoint, KeysetFile: f.keyset})
	f.fixture = newFixture(t, func(t *testing.T, d *api.Deps) {
		d.Vault, d.Temporal = v, temporalAt(t, closedAddress(t)) // downloads need no Temporal
	})
	f.openRow(f.id)
	ctx := t.Context()
	recipient, wrapped, err := v.NewKey(ctx, f.account, f.id)
	require.NoError(t, err)
	require.NoError(t, f.store.ConfirmExport(ctx, f.id, f.owner.user, recipient, wrapped))
	_, err = f.store.StartCollecting(ctx, f.id)
	require.NoError(t, err)

	segments := f.write(size)
	key := schema.ExportPrefix(f.id) + "archive"
	_, err = v.Create(ctx, key, recipient, func(fx io.Writer) error { _, err := fx.Write(f.gz); return err })
	require.NoError(t, err)
	require.NoError(t, f.store.AddSegments(ctx, f.id, key, segments))
	done, err := f.store.CompleteExport(ctx, f.id, schema.Archive{
		ObjectKey: key, Size: int64(len(f.text)), SHA256: hex.EncodeToString(sum(f.text)),
		GzipSize: int64(len(f.gz)), GzipSHA256: hex.EncodeToString(sum(f.gz)),
	}, schema.DefaultWindows())
	require.NoError(t, err)
	f.completedAt = done.CompletedAt.UTC()
	return f
}

// write makes the text and its gzip form: deflate streams that each end in a
// sync flush, so that inflating can begin at any of them.
func (f *file) write(size int) []schema.Segment {
	var gz, text bytes.Buffer
	var segments []schema.Segment
	gz.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255})
	piece := func(s string) {
		segments = append(segments, schema.Segment{TextOffset: int64(text.Len()), GzipOffset: int64(gz.Len())})
		deflate, err := flate.NewWriter(&gz, flate.BestSpeed)
		require.NoError(f.t, err)
		_, err = io.WriteString(io.MultiWriter(deflate, &text), s)
		require.NoError(f.t, err)
		require.NoError(f.t, deflate.Flush())
	}
	piece(`{"exportVersion":"1.0","accountId":"` + f.account + `","exportedAt":"2026-02-28T12:00:00Z","data":{"account":[`)
	noise := rand.NewChaCha8([32]byte{1})
	for comma := ""; text.Len() < size; comma = ",\n" {
		row := make([]byte, min(size, 300<<10)/2)
		_, _ = noise.Read(row) // never fails
		piece(comma + `{"note":"` + hex.EncodeToString(row) + `"}`)
	}
	piece("]},\"manifest\":{}}\n")
	gz.Write([]byte{3, 0})
	trailer := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(text.Bytes()))
	gz.Write(binary.LittleEndian.AppendUint32(trailer, uint32(text.Len())))
	f.text, f.gz = text.Bytes(), gz.Bytes()
	return segments
}

// requireFileSchema holds a document against what the contract says of files.
func requireFileSchema(t *testing.T, text []byte) {
	t.Helper()
	doc, err := contract()
	require.NoError(t, err)
	said := doc.Paths.Find("/v1/account/exports/{id}/archive").Get.Responses.Status(http.StatusOK).Value.Content["application/json"]
	var value any
	require.NoError(t, json.Unmarshal(text, &value))
	require.NoError(t, said.Schema.Value.VisitJSON(value, schema2020))
}

// cuttable is an address that leads to an endpoint until it is cut.
func cuttable(t *testing.T, endpoint string) (address string, cut func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var mu sync.Mutex
	var open []net.Conn
	cut = func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	}
	t.Cleanup(cut)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://"))
			if err != nil {
				_ = in.Close()
				continue
			}
			mu.Lock()
			open = append(open, in, out)
			mu.Unlock()
			go func() { _, _ = io.Copy(out, in) }()
			go func() { _, _ = io.Copy(in, out) }()
		}
	}()
	return l.Addr().String(), cut
}

func openVault(t *testing.T, c vault.Config) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(v.Close)
	return v
}

func sum(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}
