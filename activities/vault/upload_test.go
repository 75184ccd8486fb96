package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestAWriterThatFailsLeavesNothing(t *testing.T) {
	for _, size := range []int{0, 100, partSize + 1, 5 * partSize} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			v, w := testVault(t)
			requireNoLeakedGoroutines(t, w)
			e := newExport(t, v)
			_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
				if _, err := w.Write(randomBytes(size)); err != nil {
					return err
				}
				return errTest
			})
			require.ErrorIs(t, err, errTest)
			require.Empty(t, keys(t, v, ""))
			require.Empty(t, uploads(t, v, ""))
		})
	}
}

func TestAWriterThatPanicsLeavesNothing(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	require.PanicsWithError(t, errTest.Error(), func() {
		_, _ = v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
			_, err := w.Write(randomBytes(3 * partSize))
			require.NoError(t, err)
			panic(errTest)
		})
	})
	require.Empty(t, keys(t, v, ""))
	require.Empty(t, uploads(t, v, ""))
}

func TestCancellingInTheMiddleLeavesNothing(t *testing.T) {
	v, w := testVault(t)
	requireNoLeakedGoroutines(t, w)
	e := newExport(t, v)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.URL.Query().Get("partNumber") == "3" {
			// The part arrives, but its response is lost.
			res, err := next.RoundTrip(q.Clone(context.WithoutCancel(q.Context())))
			cancel()
			if err == nil {
				res.Body.Close()
				err = q.Context().Err()
			}
			return nil, err
		}
		return next.RoundTrip(q)
	})
	_, err := v.Create(ctx, e.prefix+"archive", e.recipient, func(w io.Writer) error {
		for block := randomBytes(1 << 20); ; {
			if _, err := w.Write(block); err != nil {
				return fmt.Errorf("assemble: %w", err)
			}
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, keys(t, v, ""))
	require.Empty(t, uploads(t, v, ""))
}

func TestAFailedPartStopsTheWriterAndLeavesNothing(t *testing.T) {
	v, w := testVault(t)
	requireNoLeakedGoroutines(t, w)
	e := newExport(t, v)
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.URL.Query().Get("partNumber") == "2" {
			return response(q, http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>"), nil
		}
		return next.RoundTrip(q)
	})
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
		for block := randomBytes(1 << 20); ; {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
	})
	require.ErrorContains(t, err, "AccessDenied")
	require.Empty(t, keys(t, v, ""))
	require.Empty(t, uploads(t, v, ""))
}

// loseFirstResponse executes the first request of a kind and drops the response.
func loseFirstResponse(w *interceptor, kind func(*http.Request) bool) *atomic.Int32 {
	var lost atomic.Int32
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		res, err := next.RoundTrip(q)
		if err == nil && kind(q) && lost.CompareAndSwap(0, 1) {
			res.Body.Close()
			return nil, syscall.ECONNRESET
		}
		return res, err
	})
	return &lost
}

func isPut(q *http.Request) bool { return q.Method == http.MethodPut }
func isCompletion(q *http.Request) bool {
	return q.Method == http.MethodPost && q.URL.Query().Has("uploadId")
}

func TestAWriteWithALostResponseSucceeds(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)

	lost := loseFirstResponse(w, isPut)
	require.NoError(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, randomBytes(1000)))
	require.EqualValues(t, 1, lost.Load())

	lost = loseFirstResponse(w, isCompletion)
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, writeAll(randomBytes(2*partSize)))
	require.NoError(t, err)
	require.EqualValues(t, 1, lost.Load())

	w.intercept(nil)
	got, err := v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.NoError(t, err)
	require.Len(t, got, 2*partSize)
	require.Empty(t, uploads(t, v, ""))
}

func TestAnExistingObjectIsDetectedEvenIfTheResponseIsLost(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, randomBytes(1000)))
	lost := loseFirstResponse(w, isPut)
	require.ErrorIs(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, randomBytes(1000)), ErrExists)
	require.EqualValues(t, 1, lost.Load())
}

func TestAWriteThatCannotBeConfirmedIsNotErrExists(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	w.intercept(func(q *http.Request, _ http.RoundTripper) (*http.Response, error) {
		if q.Method == http.MethodPut {
			return response(q, http.StatusPreconditionFailed, "<Error><Code>PreconditionFailed</Code></Error>"), nil
		}
		return response(q, http.StatusServiceUnavailable, ""), nil
	})
	err := v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, nil)
	require.NotErrorIs(t, err, ErrExists)
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "%v", err)
}

func TestAnUnavailableBucketIsAnUnavailableError(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	calls := map[string]func() error{
		"put": func() error { return v.Put(t.Context(), e.prefix+"a", e.recipient, nil) },
		"create": func() error {
			_, err := v.Create(t.Context(), e.prefix+"b", e.recipient, writeAll(nil))
			return err
		},
		"get": func() error { _, err := v.Get(t.Context(), e.prefix+"c", e.identity, nil); return err },
		"remove": func() error {
			_, err := v.Remove(t.Context(), e.prefix)
			return err
		},
		"check": func() error { return v.Check(t.Context()) },
	}
	for what, respond := range map[string]func(*http.Request, http.RoundTripper) (*http.Response, error){
		"unreachable": func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, syscall.ECONNREFUSED },
		"overloaded": func(q *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return response(q, http.StatusServiceUnavailable, "<Error><Code>SlowDown</Code></Error>"), nil
		},
	} {
		w.intercept(respond)
		for name, call := range calls {
			t.Run(what+"/"+name, func(t *testing.T) {
				w.takeCount()
				err := call()
				require.Equal(t, schema.Unavailable, schema.KindOf(err), "%v", err)
				require.NotContains(t, err.Error(), "://")
				if requests := w.takeCount(); name == "check" {
					require.Equal(t, 1, requests, "readiness is not retried")
				}
			})
		}
	}
}

func TestMemoryDoesNotGrowWithTheSize(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.URL.Query().Has("partNumber") { // discard it: the bucket need not store 1 GiB
			if _, err := io.Copy(io.Discard, q.Body); err != nil {
				return nil, err
			}
			res := response(q, http.StatusOK, "")
			res.Header.Set("ETag", `"0"`)
			return res, nil
		}
		return next.RoundTrip(q)
	})
	before := allocated()
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
		for block, n := randomBytes(1<<20), 0; n < 1<<10; n++ {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
		return errTest
	})
	require.ErrorIs(t, err, errTest)
	require.Less(t, allocated()-before, uint64(64<<20), "bytes allocated in total while 1 GiB was written")
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func response(q *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: q,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func TestTheNextWriteFailsWhenTheContextEnds(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := v.Create(ctx, e.prefix+"archive", e.recipient, func(w io.Writer) error {
		cancel()
		_, err := w.Write(randomBytes(partSize))
		require.ErrorIs(t, err, context.Canceled)
		return errors.New("a later error")
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheLastWriteIncludesThePartsOfAnUpload(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	initiatedAt := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(q)
		if err != nil || !q.URL.Query().Has("uploads") || q.Method != http.MethodGet {
			return resp, err
		}
		list, err := io.ReadAll(resp.Body) // this server lists the time of the last part, S3 the time of the start
		_ = resp.Body.Close()
		list = initiated.ReplaceAll(list, []byte("<Initiated>"+initiatedAt.Format(time.RFC3339)+"</Initiated>"))
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(list)), int64(len(list))
		return resp, err
	})
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
		if _, err := w.Write(randomBytes(4 * partSize)); err != nil { // so that parts have been uploaded
			return err
		}
		require.Len(t, uploads(t, v, e.prefix), 1)
		require.Equal(t, initiatedAt, uploads(t, v, e.prefix)[0].StartedAt.UTC())
		at, err := v.LastModified(t.Context(), e.prefix)
		require.WithinDuration(t, time.Now(), at, time.Minute)
		return err
	})
	require.NoError(t, err)
}

var initiated = regexp.MustCompile(`<Initiated>[^<]*</Initiated>`)
