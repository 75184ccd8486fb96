package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

// newTestStream is a stream of an anonymous request, which no longer has access
// whenever it is checked.
func newTestStream(t *testing.T, now func() time.Time) (*stream, *httptest.ResponseRecorder) {
	t.Helper()
	recorder := httptest.NewRecorder()
	c := echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), recorder)
	a := &API{now: now}
	return a.newStream(c), recorder
}

func rendering(events ...Event) Renderer {
	return func(context.Context, schema.Export) ([]Event, error) { return events, nil }
}

func failing(err error) Renderer {
	return func(context.Context, schema.Export) ([]Event, error) { return nil, err }
}

func TestAStreamChecksAccessEveryFiveSecondsAndEndsWithoutIt(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, recorder := newTestStream(t, func() time.Time { return now })
	e := schema.Export{Status: schema.Processing}
	require.True(t, open(s.update(t.Context(), e, rendering(Event{Name: "a", Key: "1", Data: "first"}))))
	now = now.Add(reauthInterval - 1)
	require.True(t, open(s.update(t.Context(), e, rendering(Event{Name: "a", Key: "2", Data: "second"}))))
	now = now.Add(1)
	require.False(t, open(s.update(t.Context(), e, rendering(Event{Name: "a", Key: "3", Data: "third"}))))
	require.Contains(t, recorder.Body.String(), "second")
	require.NotContains(t, recorder.Body.String(), "third")
	require.LessOrEqual(t, reauthInterval, 5*time.Second)
}

func TestAStreamSendsAnEventOnlyWhereItsKeyHasChanged(t *testing.T) {
	t.Parallel()
	s, recorder := newTestStream(t, time.Now)
	e := schema.Export{Status: schema.Processing}
	for _, key := range []string{"1", "1", "2", "2", "1"} {
		require.True(t, open(s.update(t.Context(), e, rendering(Event{Name: "a", Key: key, Data: key}, Event{Name: "b", Key: "same", Data: "x\r\ny\rz"}))))
	}
	require.Equal(t, "event: a\ndata: 1\n\nevent: b\ndata: x\ndata: y\ndata: z\n\nevent: a\ndata: 2\n\nevent: a\ndata: 1\n\n", recorder.Body.String())
}

func TestAStreamOutlivesOutagesAndEndsWithTheExport(t *testing.T) {
	t.Parallel()
	s, recorder := newTestStream(t, time.Now)
	e := schema.Export{Status: schema.Processing}
	for err, goesOn := range map[error]bool{
		schema.Errorf(schema.Unavailable, "x", "x"): true, context.DeadlineExceeded: true, context.Canceled: false,
		schema.Errorf(schema.Unauthenticated, "x", "x"): false, schema.Errorf(schema.Forbidden, "x", "x"): false, errors.New("x"): false,
	} {
		require.Equal(t, goesOn, open(s.update(t.Context(), e, failing(err))), "%v", err)
	}
	require.Empty(t, recorder.Body.String())
	e.Status = schema.Expired
	require.False(t, open(s.update(t.Context(), e, rendering(Event{Name: "a", ID: lastEvent, Data: "x"}))))
	require.Equal(t, "event: a\nid: ended\ndata: x\n\n", recorder.Body.String())
}

func TestOpenStreamsAreCountedByPrincipal(t *testing.T) {
	t.Parallel()
	s := newStreams()
	for range maxStreams {
		_, ok := s.Begin("ada")
		require.True(t, ok)
	}
	_, ok := s.Begin("ada")
	require.False(t, ok)
	_, ok = s.Begin("bob")
	require.True(t, ok)
	select {
	case <-s.done:
		t.Fatal("streams have ended")
	default:
	}
	s.end()
	<-s.done
}

func TestTheIdempotencyKeyIsPrintableASCII(t *testing.T) {
	t.Parallel()
	long := make([]byte, 256)
	for i := range long {
		long[i] = 'x'
	}
	for key, ok := range map[string]bool{" ": true, "~": true, string(long[:255]): true, string(long): false, "a\x1f": false, "a\x7f": false, "ä": false} {
		require.Equal(t, ok, checkKey(key) == nil, "%q", key)
	}
}

// open returns whether a stream is open after an update.
func open(_, open bool) bool { return open }
