package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities/vault"
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
	requireFileSchema(t, f.text)
}

func TestADownloadInterruptedTenTimesAndResumedIsTheSameFile(t *testing.T) {
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
			f.requireRange(form, fmt.Sprintf("bytes=%d-%d", from, to), from, to)
		}
		f.requireRange(form, "bytes=0-0", 0, 0)
		f.requireRange(form, fmt.Sprintf("bytes=%d-", size-1), size-1, size-1)
		f.requireRange(form, "bytes=-1", size-1, size-1)
		f.requireRange(form, fmt.Sprintf("bytes=-%d", size+10), 0, size-1)
		f.requireRange(form, fmt.Sprintf("bytes=5-%d", size+10), 5, size-1)

		for _, whole := range []string{"bytes=0-0,5-9", "bytes=zero", "records=0-9", "bytes=9-5x"} {
			a := f.send(f.owner, http.MethodGet, f.path, form.ask, header("Range", whole))
			require.Equal(t, http.StatusOK, a.status, whole)
			require.Equal(t, sum(form.bytes), sum([]byte(a.body)))
		}
		a := f.send(f.owner, http.MethodGet, f.path, form.ask, header("Range", fmt.Sprintf("bytes=%d-", size)))
		requireProblem(t, a, http.StatusRequestedRangeNotSatisfiable, "range_not_satisfiable")
		require.Equal(t, fmt.Sprintf("bytes */%d", size), a.header.Get("Content-Range"))
		for _, name := range []string{"Content-Encoding", "ETag", "Repr-Digest", "Content-Disposition", "Last-Modified", "X-Content-SHA256"} {
			require.Empty(t, a.header.Get(name), name)
		}
	}
}

func TestPartsOfDifferentFormsAreNeverCombined(t *testing.T) {
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
	requireProblem(t, f.send(f.owner, http.MethodGet, f.path, asIs.ask, header("If-Match", etag(asGzip))), http.StatusPreconditionFailed, "precondition_failed")
	requireProblem(t, f.send(f.owner, http.MethodGet, f.path, header("Accept-Encoding", "gzip;q=0, identity;q=0")), http.StatusNotAcceptable, "not_acceptable")
}

func TestASecondAfterItsTimeTheFileIsGone(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<10)
	require.NotNil(t, f.show(f.id).DownloadURL)
	f.exec(`update satchel.exports set expires_at = clock_timestamp() - interval '1 second'`) // no sweeper is up
	requireProblem(t, f.send(f.owner, http.MethodGet, f.path), http.StatusGone, "gone")
	requireProblem(t, f.send(f.owner, http.MethodGet, f.path, header("Range", "bytes=5-")), http.StatusGone, "gone")
	v := f.show(f.id)
	require.Equal(t, schema.Completed, v.Status)
	require.Nil(t, v.DownloadURL)
}

func TestOnceTheKeyIsDestroyedTheFileIsGone(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<10)
	_, err := f.store.BeginRemoval(t.Context(), f.id, schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}, "US")
	require.NoError(t, err)
	requireProblem(t, f.send(f.owner, http.MethodGet, f.path), http.StatusGone, "gone")
}

func TestAFileThatIsNotMadeYetIsAConflictEvenBeforeAWorkerIsUp(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.owner).ID
	requireProblem(t, fx.send(fx.owner, http.MethodGet, exports+"/"+id+"/archive"), http.StatusConflict, "not_ready")
	fx.openRow(id)
	requireProblem(t, fx.send(fx.owner, http.MethodGet, exports+"/"+id+"/archive"), http.StatusConflict, "not_ready")
}

func TestEachDownloadIsAuditedBeforeTheFirstByteIsSent(t *testing.T) {
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
	require.JSONEq(t, `{"whole":true,"gzip":false}`, lines[0].Details)
	require.Equal(t, f.program.name, lines[1].Actor)
	require.JSONEq(t, `{"whole":false,"gzip":true}`, lines[1].Details)

	f.exec(`alter table satchel.audit rename to audit_gone`)
	a := f.send(f.owner, http.MethodGet, f.path, header("Accept-Encoding", "gzip"), header("Range", "bytes=5-9"))
	requireProblem(t, a, http.StatusInternalServerError, "internal")
	for _, name := range []string{"Content-Encoding", "ETag", "Repr-Digest", "Content-Disposition", "Content-Range"} {
		require.Empty(t, a.header.Get(name), name)
	}
}

func TestAChangedArchiveIsNeverSentAsComplete(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<20)
	f.exec(`update satchel.exports set gzip_size = gzip_size - 1`)
	requireProblem(t, f.send(f.owner, http.MethodGet, f.path), http.StatusInternalServerError, "internal")
	f.exec(`update satchel.exports set gzip_size = gzip_size + 1`)

	_, err := f.vault.Remove(t.Context(), schema.ExportPrefix(f.id))
	require.NoError(t, err)
	requireProblem(t, f.send(f.owner, http.MethodGet, f.path), http.StatusGone, "gone") // although the row says it is there
}

func TestWithoutStorageADownloadIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newFile(t, 1<<10)
	away := *f.fixture
	away.vault = openVault(t, vault.Config{Bucket: f.bucket, Endpoint: "http://" + closedAddress(t), KeysetFile: f.keyset})
	away.api = api.New(api.Deps{Store: f.store, Vault: away.vault, Site: "https://export.example.com", Now: time.Now})
	away.url = away.serve(time.Minute)
	a := away.send(f.owner, http.MethodGet, f.path)
	requireProblem(t, a, http.StatusServiceUnavailable, "storage_unavailable")
	require.NotEmpty(t, a.header.Get("Retry-After"))
}

func TestADownloadThatCannotStartIsUnavailableInTime(t *testing.T) {
	t.Parallel()
	f := newFile(t, 4<<20)
	for name, endpoint := range map[string]string{"nothing is said": "http://" + silentAddress(t), "nothing is sent": stalling(t, f.endpoint)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			frozen := *f.fixture
			frozen.t = t
			frozen.api = api.New(api.Deps{
				Store: f.store, Site: "https://export.example.com",
				Vault: openVault(t, vault.Config{Bucket: f.bucket, Endpoint: endpoint, KeysetFile: f.keyset}),
			})
			frozen.url = frozen.serve(time.Minute)
			began := time.Now()
			a := frozen.send(f.owner, http.MethodGet, f.path, f.forms()[1].ask, header("Range", "bytes=1000000-"))
			requireProblem(t, a, http.StatusServiceUnavailable, "storage_unavailable")
			require.Less(t, time.Since(began), 30*time.Second)
			require.NotEmpty(t, a.header.Get("Retry-After"))
			for _, name := range []string{"Content-Encoding", "ETag", "Content-Disposition", "Content-Range"} {
				require.Empty(t, a.header.Get(name), name)
			}
			var downloads int
			require.NoError(t, f.rows.Get(&downloads, `select count(*) from satchel.audit where action = 'downloaded'`))
			require.Zero(t, downloads)
		})
	}
}

// stalling is a proxy to S3 that answers the first request for a range and none
// after it.
func stalling(t *testing.T, endpoint string) string {
	t.Helper()
	there, err := url.Parse(endpoint)
	require.NoError(t, err)
	var parts atomic.Int64
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(there); r.Out.Host = r.In.Host }} // which is signed
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" && parts.Add(1) > 1 {
			<-r.Context().Done()
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestADownloadThatFailsHalfWayNeverLooksComplete(t *testing.T) {
	t.Parallel()
	f := newFile(t, 48<<20) // more than all the buffers on its way
	for name, form := range map[string]form{"as it is": f.forms()[0], "gzip": f.forms()[1]} {
		t.Run(name, func(t *testing.T) { f.breakOff(t, form) })
	}
}

func (f *file) breakOff(t *testing.T, form form) {
	t.Parallel()
	way, cut := cuttable(t, f.endpoint)
	broken := *f.fixture
	broken.t = t
	broken.api = api.New(api.Deps{
		Store: f.store, Site: "https://export.example.com",
		Vault: openVault(t, vault.Config{Bucket: f.bucket, Endpoint: "http://" + way, KeysetFile: f.keyset}),
	})
	broken.url = broken.serve(time.Minute)
	res := broken.open(f.owner, http.MethodGet, f.path, form.ask)
	require.Equal(t, http.StatusOK, res.StatusCode)
	_, err := io.CopyN(io.Discard, res.Body, 1<<20)
	require.NoError(t, err)
	cut()
	n, err := io.Copy(io.Discard, res.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Less(t, n, int64(len(form.bytes)-1<<20))
	require.NoError(t, res.Body.Close())
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
