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
			noGoroutineStays(t, w)
			e := newExport(t, v)
			_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
				if _, err := w.Write(noise(size)); err != nil {
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
			_, err := w.Write(noise(3 * partSize))
			require.NoError(t, err)
			panic(errTest)
		})
	})
	require.Empty(t, keys(t, v, ""))
	require.Empty(t, uploads(t, v, ""))
}

func TestCancellingInTheMiddleLeavesNothing(t *testing.T) {
	v, w := testVault(t)
	noGoroutineStays(t, w)
	e := newExport(t, v)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.answering(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.URL.Query().Get("partNumber") == "3" {
			// The part arrives, and nobody is left to hear so.
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
		for block := noise(1 << 20); ; {
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
	noGoroutineStays(t, w)
	e := newExport(t, v)
	w.answering(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.URL.Query().Get("partNumber") == "2" {
			return answer(q, http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>"), nil
		}
		return next.RoundTrip(q)
	})
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
		for block := noise(1 << 20); ; {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
	})
	require.ErrorContains(t, err, "AccessDenied")
	require.Empty(t, keys(t, v, ""))
	require.Empty(t, uploads(t, v, ""))
}

// loseAnswer lets the first request of a kind happen and loses what the bucket
// said.
func loseAnswer(w *wire, kind func(*http.Request) bool) *atomic.Int32 {
	var lost atomic.Int32
	w.answering(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
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

func TestALostAnswerIsNotMistakenForAnothersObject(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)

	lost := loseAnswer(w, isPut)
	require.NoError(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, noise(1000)))
	require.EqualValues(t, 1, lost.Load())

	lost = loseAnswer(w, isCompletion)
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, writing(noise(2*partSize)))
	require.NoError(t, err)
	require.EqualValues(t, 1, lost.Load())

	w.answering(nil)
	got, err := v.Get(t.Context(), e.prefix+"archive", e.identity, nil)
	require.NoError(t, err)
	require.Len(t, got, 2*partSize)
	require.Empty(t, uploads(t, v, ""))
}

func TestAnothersObjectIsFoundOutEvenWhenTheAnswerIsLost(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	require.NoError(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, noise(1000)))
	lost := loseAnswer(w, isPut)
	require.ErrorIs(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, noise(1000)), ErrExists)
	require.EqualValues(t, 1, lost.Load())
}

func TestABucketThatIsAwayCanBeTriedAgain(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	calls := map[string]func() error{
		"put": func() error { return v.Put(t.Context(), e.prefix+"a", e.recipient, nil) },
		"create": func() error {
			_, err := v.Create(t.Context(), e.prefix+"b", e.recipient, writing(nil))
			return err
		},
		"get": func() error { _, err := v.Get(t.Context(), e.prefix+"c", e.identity, nil); return err },
		"remove": func() error {
			_, err := v.Remove(t.Context(), e.prefix)
			return err
		},
		"check": func() error { return v.Check(t.Context()) },
	}
	for what, answers := range map[string]func(*http.Request, http.RoundTripper) (*http.Response, error){
		"unreachable": func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, syscall.ECONNREFUSED },
		"overloaded": func(q *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return answer(q, http.StatusServiceUnavailable, "<Error><Code>SlowDown</Code></Error>"), nil
		},
	} {
		w.answering(answers)
		for name, call := range calls {
			t.Run(what+"/"+name, func(t *testing.T) {
				w.count()
				err := call()
				require.Equal(t, schema.Unavailable, schema.KindOf(err), "%v", err)
				require.NotContains(t, err.Error(), "://")
				if requests := w.count(); name == "check" {
					require.Equal(t, 1, requests, "readiness is told at once")
				}
			})
		}
	}
}

func TestMemoryIsAFewPartsWhateverTheSize(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	w.answering(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.URL.Query().Has("partNumber") { // swallow it: this is about our memory, not the bucket's disk
			if _, err := io.Copy(io.Discard, q.Body); err != nil {
				return nil, err
			}
			res := answer(q, http.StatusOK, "")
			res.Header.Set("ETag", `"0"`)
			return res, nil
		}
		return next.RoundTrip(q)
	})
	before := allocated()
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
		for block, n := noise(1<<20), 0; n < 1<<10; n++ {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
		return errTest
	})
	require.ErrorIs(t, err, errTest)
	require.Less(t, allocated()-before, uint64(64<<20), "bytes ever allocated while 1 GiB went through")
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func answer(q *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: q,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func TestTheNextWriteSaysThatTheBucketFailed(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := v.Create(ctx, e.prefix+"archive", e.recipient, func(w io.Writer) error {
		cancel()
		_, err := w.Write(noise(partSize))
		require.ErrorIs(t, err, context.Canceled)
		return errors.New("a story about it")
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestAnUploadThatStillGrowsIsNotOld(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	begun := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	w.answering(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(q)
		if err != nil || !q.URL.Query().Has("uploads") || q.Method != http.MethodGet {
			return resp, err
		}
		list, err := io.ReadAll(resp.Body) // this bucket says when an upload last grew, and S3 when it was begun
		_ = resp.Body.Close()
		list = initiated.ReplaceAll(list, []byte("<Initiated>"+begun.Format(time.RFC3339)+"</Initiated>"))
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(list)), int64(len(list))
		return resp, err
	})
	_, err := v.Create(t.Context(), e.prefix+"archive", e.recipient, func(w io.Writer) error {
		if _, err := w.Write(noise(4 * partSize)); err != nil { // so that some of it has arrived
			return err
		}
		require.Len(t, uploads(t, v, e.prefix), 1)
		require.Equal(t, begun, uploads(t, v, e.prefix)[0].StartedAt.UTC())
		at, err := v.LastStored(t.Context(), e.prefix)
		require.WithinDuration(t, time.Now(), at, time.Minute)
		return err
	})
	require.NoError(t, err)
}

var initiated = regexp.MustCompile(`<Initiated>[^<]*</Initiated>`)
