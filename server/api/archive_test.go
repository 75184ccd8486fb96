package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
	"satchel/dev/testparts"
	"satchel/schema"
	"satchel/server/api"
)

func TestTheFileIsTheSameDocumentInBothForms(t *testing.T) {
	t.Parallel()
	f := newFile(t, 3<<20)
	for _, form := range f.forms() {
		a := f.send(f.owner, http.MethodGet, f.path, form.ask)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Equal(t, form.bytes, []byte(a.body))
		require.Equal(t, form.encoding, a.header.Get("Content-Encoding"))
		require.Equal(t, strconv.Itoa(len(form.bytes)), a.header.Get("Content-Length"))
		require.Equal(t, "sha-256=:"+base64.StdEncoding.EncodeToString(sum(form.bytes))+":", a.header.Get("Repr-Digest"))
		require.Equal(t, hex.EncodeToString(sum(f.text)), a.header.Get("X-Content-SHA256"))
		require.Equal(t, `attachment; filename="account-export-`+f.completedAt.Format(time.DateOnly)+`.json"`, a.header.Get("Content-Disposition"))
		require.Equal(t, f.completedAt.Format(http.TimeFormat), a.header.Get("Last-Modified"))

		head := f.send(f.owner, http.MethodHead, f.path, form.ask)
		head.header.Del("Date")
		head.header.Del("X-Request-Id")
		a.header.Del("Date")
		a.header.Del("X-Request-Id")
		require.Equal(t, a.header, head.header)
		require.Equal(t, http.StatusOK, head.status)
		require.Empty(t, head.body)
	}
	require.Equal(t, f.text, gunzip(t, f.gz))
	require.True(t, json.Valid(f.text))
	holdAgainstFile(t, f.text)
}

func TestADownloadCutAtTenPlacesAndGoneOnWithIsTheSameFile(t *testing.T) {
	t.Parallel()
	f := newFile(t, 5<<20)
	for _, form := range f.forms() {
		var got []byte
		etag := ""
		for cut := range 11 {
			resume := func(r *http.Request) {
				if len(got) > 0 {
					r.Header.Set("Range", fmt.Sprintf("bytes=%d-", len(got)))
					r.Header.Set("If-Range", etag)
				}
			}
			res := f.open(f.owner, http.MethodGet, f.path, form.ask, resume)
			etag = res.Header.Get("ETag")
			if len(got) > 0 {
				require.Equal(t, http.StatusPartialContent, res.StatusCode)
			}
			part := io.Reader(res.Body)
			if cut < 10 {
				part = io.LimitReader(part, rand.Int64N(int64(len(form.bytes)-len(got))/int64(11-cut))+1)
			}
			read, err := io.ReadAll(part)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			got = append(got, read...)
		}
		require.Equal(t, sum(form.bytes), sum(got))
	}
}

func TestAnyRangeOfEitherFormIsThatPartOfTheFile(t *testing.T) {
	t.Parallel()
	f := newFile(t, 2<<20)
	for _, form := range f.forms() {
		size := len(form.bytes)
		for range 25 {
			from := rand.IntN(size)
			to := from + rand.IntN(size-from)
			f.holdRange(form, fmt.Sprintf("bytes=%d-%d", from, to), from, to)
		}
		f.holdRange(form, "bytes=0-0", 0, 0)
		f.holdRange(form, fmt.Sprintf("bytes=%d-", size-1), size-1, size-1)
		f.holdRange(form, "bytes=-1", size-1, size-1)
		f.holdRange(form, fmt.Sprintf("bytes=-%d", size+10), 0, size-1)
		f.holdRange(form, fmt.Sprintf("bytes=5-%d", size+10), 5, size-1)

		for _, whole := range []string{"bytes=0-0,5-9", "bytes=zero", "records=0-9", "bytes=9-5x"} {
			a := f.send(f.owner, http.MethodGet, f.path, form.ask, header("Range", whole))
			require.Equal(t, http.StatusOK, a.status, whole)
			require.Equal(t, sum(form.bytes), sum([]byte(a.body)))
		}
		a := f.send(f.owner, http.MethodGet, f.path, form.ask, header("Range", fmt.Sprintf("bytes=%d-", size)))
		refused(t, a, http.StatusRequestedRangeNotSatisfiable, "range_not_satisfiable")
		require.Equal(t, fmt.Sprintf("bytes */%d", size), a.header.Get("Content-Range"))
		for _, name := range []string{"Content-Encoding", "ETag", "Repr-Digest", "Content-Disposition", "Last-Modified", "X-Content-SHA256"} {
			require.Empty(t, a.header.Get(name), name)
		}
	}
}

func TestTheEndOfOneFormIsNeverGluedToTheBeginningOfTheOther(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<20)
	asIs, asGzip := f.forms()[0], f.forms()[1]
	etag := func(form form) string { return f.send(f.owner, http.MethodHead, f.path, form.ask).header.Get("ETag") }
	require.NotEqual(t, etag(asIs), etag(asGzip))
	require.False(t, strings.HasPrefix(etag(asIs), "W/"))
	for _, ifRange := range []string{etag(asGzip), `"another"`, "W/" + etag(asIs), f.completedAt.Format(http.TimeFormat)} {
		a := f.send(f.owner, http.MethodGet, f.path, asIs.ask, header("Range", "bytes=100-"), header("If-Range", ifRange))
		require.Equal(t, http.StatusOK, a.status, ifRange)
		require.Equal(t, sum(f.text), sum([]byte(a.body)))
	}
	a := f.send(f.owner, http.MethodGet, f.path, asIs.ask, header("If-None-Match", etag(asIs)))
	require.Equal(t, http.StatusNotModified, a.status)
	require.Empty(t, a.body)
	a = f.send(f.owner, http.MethodGet, f.path, asGzip.ask, header("If-None-Match", etag(asIs)))
	require.Equal(t, http.StatusOK, a.status)
	refused(t, f.send(f.owner, http.MethodGet, f.path, asIs.ask, header("If-Match", etag(asGzip))), http.StatusPreconditionFailed, "precondition_failed")
	refused(t, f.send(f.owner, http.MethodGet, f.path, header("Accept-Encoding", "gzip;q=0, identity;q=0")), http.StatusNotAcceptable, "not_acceptable")
}

func TestASecondAfterItsTimeTheFileIsGone(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<10)
	require.NotNil(t, f.show(f.id).DownloadURL)
	f.exec(`update satchel.exports set expires_at = clock_timestamp() - interval '1 second'`) // no sweeper is up
	refused(t, f.send(f.owner, http.MethodGet, f.path), http.StatusGone, "gone")
	refused(t, f.send(f.owner, http.MethodGet, f.path, header("Range", "bytes=5-")), http.StatusGone, "gone")
	v := f.show(f.id)
	require.Equal(t, schema.Completed, v.Status)
	require.Nil(t, v.DownloadURL)
}

func TestOnceTheKeyIsDestroyedTheFileIsGone(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<10)
	require.NoError(t, f.store.DestroyKey(t.Context(), f.id))
	refused(t, f.send(f.owner, http.MethodGet, f.path), http.StatusGone, "gone")
}

func TestAFileThatIsNotMadeYetIsAConflictEvenBeforeAWorkerIsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.owner).ID
	refused(t, w.send(w.owner, http.MethodGet, exports+"/"+id+"/archive"), http.StatusConflict, "not_ready")
	w.openRow(id)
	refused(t, w.send(w.owner, http.MethodGet, exports+"/"+id+"/archive"), http.StatusConflict, "not_ready")
}

func TestEachDownloadIsWrittenDownBeforeTheFirstByteLeaves(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<20)
	form := f.forms()[0]
	f.send(f.admin, http.MethodGet, f.path, form.ask)
	f.send(f.program, http.MethodGet, f.path, header("Accept-Encoding", "gzip"), header("Range", "bytes=1000-1999"))
	f.send(f.owner, http.MethodHead, f.path)
	f.send(f.owner, http.MethodGet, f.path, header("If-None-Match", `"`+hex.EncodeToString(sum(f.text))+`"`))
	f.send(f.owner, http.MethodGet, f.path, header("Range", "bytes=99999999-"))

	var lines []struct {
		Actor   string `db:"actor"`
		Details string `db:"details"`
	}
	require.NoError(t, f.rows.Select(&lines, `select actor, details from satchel.audit where action = 'downloaded' order by id`))
	require.Len(t, lines, 2)
	require.Equal(t, f.admin.user, lines[0].Actor)
	require.JSONEq(t, `{"from":0,"whole":true,"gzip":false}`, lines[0].Details)
	require.Equal(t, f.program.name, lines[1].Actor)
	require.JSONEq(t, `{"from":1000,"whole":false,"gzip":true}`, lines[1].Details)

	f.exec(`alter table satchel.audit rename to audit_gone`)
	a := f.send(f.owner, http.MethodGet, f.path, header("Accept-Encoding", "gzip"), header("Range", "bytes=5-9"))
	refused(t, a, http.StatusInternalServerError, "internal")
	for _, name := range []string{"Content-Encoding", "ETag", "Repr-Digest", "Content-Disposition", "Content-Range"} {
		require.Empty(t, a.header.Get(name), name)
	}
}

func TestAnArchiveThatIsNotWhatWasWrittenIsNeverSentAsIfItWere(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<20)
	f.exec(`update satchel.exports set gzip_size = gzip_size - 1`)
	refused(t, f.send(f.owner, http.MethodGet, f.path), http.StatusInternalServerError, "internal")
	f.exec(`update satchel.exports set gzip_size = gzip_size + 1`)

	_, err := f.vault.Remove(t.Context(), schema.ObjectPrefix(f.id))
	require.NoError(t, err)
	refused(t, f.send(f.owner, http.MethodGet, f.path), http.StatusInternalServerError, "internal") // the row says it is there
}

func TestWithoutStorageTheAnswerIsToComeAgain(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<10)
	away := *f.world
	away.vault = openVault(t, vault.Config{Bucket: f.bucket, Endpoint: "http://" + deaf(t), KeysetFile: f.keyset})
	away.api = api.New(api.Deps{Store: f.store, Vault: away.vault, Site: "https://export.example.com", Now: time.Now})
	away.url = away.serve(time.Minute)
	a := away.send(f.owner, http.MethodGet, f.path)
	refused(t, a, http.StatusServiceUnavailable, "storage_unavailable")
	require.NotEmpty(t, a.header.Get("Retry-After"))
}

func TestASlowDownloadOutlivesTheServersTimeouts(t *testing.T) {
	t.Parallel()
	f := newFile(t, 24<<20) // more than the sockets' buffers
	f.url = f.serve(500 * time.Millisecond)
	res := f.open(f.owner, http.MethodGet, f.path, f.forms()[0].ask)
	slow, hash := time.NewTicker(300*time.Millisecond), sha256.New()
	defer slow.Stop()
	for range 8 {
		<-slow.C
		_, err := io.CopyN(hash, res.Body, 1<<20)
		require.NoError(t, err)
	}
	_, err := io.Copy(hash, res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, sum(f.text), hash.Sum(nil))
}

// file is a world with one completed export, whose archive is really there.
type file struct {
	*world
	id, path       string
	text, gz       []byte
	completedAt    time.Time
	bucket, keyset string
}

// form is one of the two ways the file is sent in.
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

func (f *file) holdRange(form form, ask string, from, to int) {
	f.t.Helper()
	a := f.send(f.owner, http.MethodGet, f.path, form.ask, header("Range", ask))
	require.Equal(f.t, http.StatusPartialContent, a.status, ask)
	require.Equal(f.t, fmt.Sprintf("bytes %d-%d/%d", from, to, len(form.bytes)), a.header.Get("Content-Range"))
	require.Equal(f.t, strconv.Itoa(to-from+1), a.header.Get("Content-Length"))
	require.Equal(f.t, sum(form.bytes[from:to+1]), sum([]byte(a.body)), ask)
}

// newFile makes an archive of about this many bytes of text, in segments, as
// the worker's hands would.
func newFile(t *testing.T, size int) *file {
	t.Helper()
	f := &file{id: schema.NewExportID()}
	f.path = exports + "/" + f.id + "/archive"
	b := testparts.Bucket(t)
	bucketEnvironment(t, b)
	f.bucket, f.keyset = b.Bucket, filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteKeyset(f.keyset))
	v := openVault(t, vault.Config{Bucket: b.Bucket, Endpoint: b.Endpoint, KeysetFile: f.keyset})
	f.world = newWorld(t, func(t *testing.T, d *api.Deps) {
		d.Vault, d.Temporal = v, temporalAt(t, deaf(t)) // whoever downloads needs no Temporal
	})
	f.openRow(f.id)
	ctx := t.Context()
	recipient, wrapped, err := v.NewKey(ctx, f.account, f.id)
	require.NoError(t, err)
	require.NoError(t, f.store.ConfirmExport(ctx, f.id, f.owner.user, recipient, wrapped))
	_, err = f.store.Recipient(ctx, f.id)
	require.NoError(t, err)

	segments := f.write(size)
	key := schema.ObjectPrefix(f.id) + "archive"
	_, err = v.Create(ctx, key, recipient, func(w io.Writer) error { _, err := w.Write(f.gz); return err })
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
	for n, comma := 0, ""; text.Len() < size; comma = ",\n" {
		var rows strings.Builder
		for rows.Len() < min(size, 300<<10) {
			fmt.Fprintf(&rows, `%s{"sid":"%x","n":%d}`, comma, sum([]byte{byte(n), byte(n >> 8), byte(n >> 16)}), n)
			comma, n = ",\n", n+1
		}
		piece(rows.String())
	}
	piece("]},\"manifest\":{}}\n")
	gz.Write([]byte{3, 0})
	trailer := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(text.Bytes()))
	gz.Write(binary.LittleEndian.AppendUint32(trailer, uint32(text.Len())))
	f.text, f.gz = text.Bytes(), gz.Bytes()
	return segments
}

// holdAgainstFile holds a document against what the contract says of files.
func holdAgainstFile(t *testing.T, text []byte) {
	t.Helper()
	doc, err := contract()
	require.NoError(t, err)
	said := doc.Paths.Find("/v1/account/exports/{id}/archive").Get.Responses.Status(http.StatusOK).Value.Content["application/json"]
	var value any
	require.NoError(t, json.Unmarshal(text, &value))
	require.NoError(t, said.Schema.Value.VisitJSON(value, schema2020))
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
