package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestReadingForwardCostsTwoRequests(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	body := randomBytes(9 << 20)
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, writeAll(body))
	require.NoError(t, err)
	w.takeCount()

	r, err := v.OpenAt(t.Context(), e.prefix+"archive", e.identity)
	require.NoError(t, err)
	got, err := io.ReadAll(r.Stream())
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))
	require.NoError(t, r.Close())
	require.Equal(t, 2, w.takeCount(), "one for the content, one for its end")

	_, err = v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.NoError(t, err)
	require.Equal(t, 1, w.takeCount())
}

func TestAStreamCanBeReadFromAnyPlace(t *testing.T) {
	v, w := testVault(t)
	requireNoLeakedGoroutines(t, w)
	e := newExport(t, v)
	body := randomBytes(5<<20 + 99)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, body))
	r, err := v.OpenAt(t.Context(), e.prefix+"archive", e.identity)
	require.NoError(t, err)
	defer r.Close()
	s := r.Stream()
	defer s.Close()
	size, err := s.Seek(0, io.SeekEnd)
	require.NoError(t, err)
	require.EqualValues(t, len(body), size)
	for _, off := range []int64{0, 4 << 20, 77, size - 10, size, 1 << 20} {
		at, err := s.Seek(off, io.SeekStart)
		require.NoError(t, err)
		require.Equal(t, off, at)
		p := make([]byte, min(300_000, size-off))
		_, err = io.ReadFull(s, p)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body[off:off+int64(len(p))], p), "at %d", off)
	}
	_, err = s.Seek(-1, io.SeekStart)
	require.Error(t, err)
}

// serveObject serves an object over HTTP, with ranges.
func serveObject(v *Vault, key string, id Identity) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		r, err := v.OpenAt(q.Context(), key, id)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer r.Close()
		s := r.Stream()
		defer s.Close()
		w.Header().Set("ETag", `"the-archive"`)
		w.Header().Set("Content-Type", "application/gzip")
		http.ServeContent(w, q, "", time.Time{}, s)
	}
}

func TestAnInterruptedDownloadCanBeResumed(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	body := randomBytes(20<<20 + 3)
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, writeAll(body))
	require.NoError(t, err)
	srv := httptest.NewServer(serveObject(v, e.prefix+"archive", e.identity))
	defer srv.Close()

	var got []byte
	for _, cut := range []int{1, 65_536, 65_537, 3_000_000, 11 << 20, 20 << 20, len(body)} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		require.NoError(t, err)
		if len(got) > 0 {
			q.Header.Set("Range", fmt.Sprintf("bytes=%d-", len(got)))
			q.Header.Set("If-Range", `"the-archive"`)
		}
		res, err := srv.Client().Do(q)
		require.NoError(t, err)
		part := make([]byte, cut-len(got))
		_, err = io.ReadFull(res.Body, part)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close()) // before the end, except for the last
		got = append(got, part...)
	}
	require.Equal(t, sha256.Sum256(body), sha256.Sum256(got))
}

// breakBodies cuts the bodies of the next responses to GET after some bytes.
func breakBodies(w *interceptor, after int64, times int32) {
	var broken atomic.Int32
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		res, err := next.RoundTrip(q)
		if err == nil && q.Method == http.MethodGet && broken.Add(1) <= times {
			res.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(res.Body, after), brokenReader{}), res.Body}
		}
		return res, err
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, syscall.ECONNRESET }

func TestABodyThatBreaksOffIsResumed(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	body := randomBytes(4 << 20)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, body))
	for _, after := range []int64{0, 1, 10_000, 1_000_000} {
		breakBodies(w, after, 3)
		got, err := v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got))

		breakBodies(w, after, 3)
		r, err := v.OpenAt(t.Context(), e.prefix+"archive", e.identity)
		require.NoError(t, err)
		got, err = io.ReadAll(r.Stream())
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got))
		require.NoError(t, r.Close())
	}
	w.intercept(nil)
	small := randomBytes(200_000) // read at once
	require.NoError(t, v.Put(t.Context(), e.prefix+"small", e.recipient, small))
	breakBodies(w, 20_000, 1000) // each attempt gets further
	got, err := v.Get(t.Context(), e.prefix+"small", e.identity, nil)
	require.NoError(t, err)
	require.True(t, bytes.Equal(small, got))

	breakBodies(w, 0, 1000)
	_, err = v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "%v", err)
}

func TestAnObjectReplacedWhileItIsReadIsRejected(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, randomBytes(4<<20)))
	r, err := v.OpenAt(t.Context(), e.prefix+"archive", e.identity)
	require.NoError(t, err)
	defer r.Close()
	w.intercept(nil)
	other := e.prefix + "other"
	require.NoError(t, v.Put(t.Context(), other, e.recipient, randomBytes(4<<20)))
	overwrite(t, v, e.prefix+"archive", raw(t, v, other))
	_, err = r.ReadAt(make([]byte, 1000), 3<<20)
	require.ErrorContains(t, err, "PreconditionFailed")
}

// stallingProxy is a TCP proxy in front of the bucket. New connections carry limit
// bytes each way and then stall without being closed.
type stallingProxy struct {
	url   string
	limit atomic.Int64 // -1: no limit
}

func newStallingProxy(t *testing.T, endpoint string) *stallingProxy {
	t.Helper()
	to, err := url.Parse(endpoint)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &stallingProxy{url: "http://" + l.Addr().String()}
	s.limit.Store(-1)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to.Host)
			if err != nil {
				in.Close()
				continue
			}
			limit := s.limit.Load()
			context.AfterFunc(ctx, func() { in.Close(); out.Close() })
			go forward(ctx, out, in, limit)
			go forward(ctx, in, out, limit)
		}
	}()
	return s
}

func forward(ctx context.Context, to, from net.Conn, limit int64) {
	if limit < 0 {
		_, _ = io.Copy(to, from) // ends with either side
		to.Close()
		return
	}
	if _, err := io.CopyN(to, from, limit); err == nil {
		<-ctx.Done()
	}
	to.Close()
}

func TestAStalledConnectionTimesOut(t *testing.T) {
	c := testConfig(t)
	proxy := newStallingProxy(t, c.Endpoint)
	c.Endpoint = proxy.url
	v, w := interceptedVault(t, c, 300*time.Millisecond)
	e := newExport(t, v)
	body := randomBytes(4 << 20)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, body))
	closeIdle := func() { w.next.(*http.Transport).CloseIdleConnections() }

	closeIdle()
	proxy.limit.Store(1 << 20) // each body stalls in the middle
	began := time.Now()
	got, err := v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))
	require.Greater(t, time.Since(began), 3*300*time.Millisecond)

	_, err = v.Create(t.Context(), e.prefix+"other", e.recipient, writeAll(randomBytes(3*partSize)))
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "uploads: %v", err)

	proxy.limit.Store(100) // not even headers
	_, err = v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "downloads: %v", err)

	proxy.limit.Store(-1)
	_, err = v.Remove(t.Context(), e.prefix)
	require.NoError(t, err)
	require.Empty(t, keys(t, v, ""))
	require.Empty(t, uploads(t, v, ""))
}

func TestACancelledReaderLeaksNoGoroutine(t *testing.T) {
	v, w := testVault(t)
	requireNoLeakedGoroutines(t, w)
	e := newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, randomBytes(6<<20)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := v.OpenAt(ctx, e.prefix+"archive", e.identity)
	require.NoError(t, err)
	s := r.Stream()
	_, err = io.ReadFull(s, make([]byte, 100_000))
	require.NoError(t, err)
	cancel()
	_, err = io.Copy(io.Discard, s)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, errors.Is(err, ErrUnreadable))
	require.NoError(t, s.Close())
	require.NoError(t, r.Close())
}
