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
	body := noise(9 << 20)
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, writing(body))
	require.NoError(t, err)
	w.count()

	r, err := v.OpenAt(t.Context(), e.prefix+"archive", e.identity)
	require.NoError(t, err)
	got, err := io.ReadAll(r.Stream())
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))
	require.NoError(t, r.Close())
	require.Equal(t, 2, w.count(), "one for the content, one for its end")

	_, err = v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.NoError(t, err)
	require.Equal(t, 1, w.count())
}

func TestAStreamCanBeReadFromAnyPlace(t *testing.T) {
	v, w := testVault(t)
	noGoroutineStays(t, w)
	e := newExport(t, v)
	body := noise(5<<20 + 99)
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

// serving gives an object to anyone over HTTP, in any range.
func serving(v *Vault, key string, id Identity) http.HandlerFunc {
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

func TestADownloadCutAnywhereAndResumedIsWhole(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	body := noise(20<<20 + 3)
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, writing(body))
	require.NoError(t, err)
	srv := httptest.NewServer(serving(v, e.prefix+"archive", e.identity))
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
		require.NoError(t, res.Body.Close()) // in the middle, except the last
		got = append(got, part...)
	}
	require.Equal(t, sha256.Sum256(body), sha256.Sum256(got))
}

// breaking cuts the connection of answers to GET after some bytes, as long as
// it is told to.
func breaking(w *wire, after int64, times int32) {
	var broken atomic.Int32
	w.answering(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
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

func TestABodyThatBreaksIsAskedForAgainFromThere(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	body := noise(4 << 20)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, body))
	for _, after := range []int64{0, 1, 10_000, 1_000_000} {
		breaking(w, after, 3)
		got, err := v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got))

		breaking(w, after, 3)
		r, err := v.OpenAt(t.Context(), e.prefix+"archive", e.identity)
		require.NoError(t, err)
		got, err = io.ReadAll(r.Stream())
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got))
		require.NoError(t, r.Close())
	}
	breaking(w, 0, 1000)
	_, err := v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "%v", err)
}

func TestAnObjectReplacedWhileItIsReadIsRefused(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, noise(4<<20)))
	r, err := v.OpenAt(t.Context(), e.prefix+"archive", e.identity)
	require.NoError(t, err)
	defer r.Close()
	w.answering(nil)
	other := e.prefix + "other"
	require.NoError(t, v.Put(t.Context(), other, e.recipient, noise(4<<20)))
	overwrite(t, v, e.prefix+"archive", raw(t, v, other))
	_, err = r.ReadAt(make([]byte, 1000), 3<<20)
	require.ErrorContains(t, err, "PreconditionFailed")
}

// stalling is a way to the bucket that, once told to, lets every connection
// carry so many more bytes each way and then nothing, without closing it.
type stalling struct {
	url   string
	limit atomic.Int64 // -1: no limit
}

func newStalling(t *testing.T, endpoint string) *stalling {
	t.Helper()
	to, err := url.Parse(endpoint)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &stalling{url: "http://" + l.Addr().String()}
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
			go pass(ctx, out, in, limit)
			go pass(ctx, in, out, limit)
		}
	}()
	return s
}

func pass(ctx context.Context, to, from net.Conn, limit int64) {
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

func TestAConnectionThatStandsStillIsGivenUp(t *testing.T) {
	c := settings(t)
	way := newStalling(t, c.Endpoint)
	c.Endpoint = way.url
	v, w := wiredVault(t, c, 300*time.Millisecond)
	e := newExport(t, v)
	body := noise(4 << 20)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, body))
	forget := func() { w.next.(*http.Transport).CloseIdleConnections() }

	forget()
	way.limit.Store(1 << 20) // bodies stand still in the middle, again and again
	began := time.Now()
	got, err := v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))
	require.Greater(t, time.Since(began), 3*300*time.Millisecond)

	_, err = v.Create(t.Context(), e.prefix+"other", e.recipient, writing(noise(3*partSize)))
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "uploads: %v", err)

	way.limit.Store(100) // not even headers
	_, err = v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "downloads: %v", err)

	way.limit.Store(-1)
	_, err = v.Remove(t.Context(), e.prefix)
	require.NoError(t, err)
	require.Empty(t, keys(t, v, ""))
	require.Empty(t, uploads(t, v, ""))
}

func TestAReaderThatGoesAwayLeavesNothingRunning(t *testing.T) {
	v, w := testVault(t)
	noGoroutineStays(t, w)
	e := newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"archive", e.recipient, noise(6<<20)))
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
