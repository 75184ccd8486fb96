package api_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"satchel/schema"
	"satchel/server/api"
)

func TestTheStreamTellsTheWholeStoryForwardsAndEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.owner).ID // not written yet
	events := w.follow(w.owner, id)
	first := <-events
	require.Equal(t, schema.Pending, first.Status)

	w.openRow(id)
	require.NoError(t, w.store.ConfirmExport(t.Context(), id, "", "age1recipient", []byte("wrapped")))
	var told []event
	go w.make(id)
	for e := range events {
		told = append(told, e)
		if e.Status == schema.Completed {
			w.end(id)
		}
	}
	require.Greater(t, len(told), 4)
	last := told[len(told)-1]
	require.Equal(t, schema.Expired, last.Status)
	require.Equal(t, "window_passed", *last.Reason)
	require.Equal(t, w.show(id), last.ExportView)

	before := first
	for _, now := range told {
		require.GreaterOrEqual(t, slices.Index(schema.Statuses, now.Status), slices.Index(schema.Statuses, before.Status))
		for i := range now.Categories {
			require.GreaterOrEqual(t, now.Categories[i].Records, before.Categories[i].Records)
			require.GreaterOrEqual(t, now.Categories[i].Bytes, before.Categories[i].Bytes)
		}
		require.NotEqual(t, before.ExportView, now.ExportView, "nothing new was told")
		before = now
	}
	require.LessOrEqual(t, float64(len(told)), 2*before.at.Sub(first.at).Seconds()+2, "more than twice a second")
}

func TestTheStreamOfAnEndedExportIsOneEventAndABrowserIsToldToStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.owner).ID
	w.openRow(id)
	require.NoError(t, w.store.EndExport(t.Context(), id, schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}, "", schema.Certificate{}))

	a := w.send(w.owner, http.MethodGet, exports+"/"+id+"/events")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "text/event-stream", a.header.Get("Content-Type"))
	shown := strings.TrimSpace(w.send(w.owner, http.MethodGet, exports+"/"+id).body)
	require.Equal(t, "retry: 2000\n\nevent: export\nid: ended\ndata: "+shown+"\n\n", a.body)

	a = w.send(w.owner, http.MethodGet, exports+"/"+id+"/events", header("Last-Event-ID", "ended"))
	require.Equal(t, http.StatusNoContent, a.status)
}

func TestNobodyFollowsTooManyAtOnceAndLeavingMakesRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTemporal)
	id := w.request(w.owner).ID
	stops := make([]func(), 8)
	for i := range stops {
		events, stop := w.following(w.owner, id)
		require.Equal(t, schema.Pending, (<-events).Status)
		stops[i] = stop
	}
	a := w.send(w.owner, http.MethodGet, exports+"/"+id+"/events")
	refused(t, a, http.StatusTooManyRequests, "too_many_streams")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Equal(t, schema.Pending, (<-w.follow(w.admin, id)).Status) // others are not in the way

	stops[3]()
	eventually(t, "there is room", func() bool {
		res := w.open(w.owner, http.MethodGet, exports+"/"+id+"/events")
		require.NoError(t, res.Body.Close())
		return res.StatusCode == http.StatusOK
	})
}

func TestAStreamEndsWhenTheServerShutsDownAndLeavesNothingBehind(t *testing.T) { // not parallel: it counts goroutines
	t.Run("world", func(t *testing.T) {
		w := newWorld(t)
		id := schema.NewExportID()
		w.openRow(id)
		ignore := goleak.IgnoreCurrent()
		events := w.follow(w.owner, id)
		require.Equal(t, schema.Pending, (<-events).Status)
		w.api.EndStreams()
		_, more := <-events
		require.False(t, more)
		plain.CloseIdleConnections()
		goleak.VerifyNone(t, ignore, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
	})
}

func TestAStreamOutlivesTheServersTimeoutsAndTroubleWithTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := schema.NewExportID()
	w.openRow(id)
	w.url = w.serve(700 * time.Millisecond)
	events := w.follow(w.owner, id)
	require.Equal(t, schema.Pending, (<-events).Status)
	w.exec(`alter table satchel.exports rename to exports_away`)
	broken := time.NewTimer(1500 * time.Millisecond)
	select {
	case e, more := <-events:
		t.Fatalf("told %v, %v", e.Status, more)
	case <-broken.C:
	}
	w.exec(`alter table satchel.exports_away rename to exports`)
	w.exec(`update satchel.exports set status = 'processing', confirmed_at = now()`)
	require.Equal(t, schema.Processing, (<-events).Status)
}

// event is one event of a stream, and when it came.
type event struct {
	api.ExportView
	at time.Time
}

// make is a worker's part in an export: it reads, slower than one can look.
func (w *world) make(id string) {
	ctx := w.t.Context()
	check := func(err error) {
		if err != nil && ctx.Err() == nil {
			w.t.Errorf("make the export: %v", err)
		}
	}
	_, err := w.store.Recipient(ctx, id)
	check(err)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for i, c := range schema.Categories {
		check(w.store.BeginCategory(ctx, id, c, 30))
		for seq := range 3 {
			<-tick.C
			after := strings.Repeat("k", seq)
			check(w.store.AddPiece(ctx, id, schema.Piece{
				Category: c, Seq: seq, ObjectKey: c.Title(), Records: 10 + int64(i), TextBytes: 100, GzipBytes: 50,
				SHA256: "ab", FirstKey: after + "k", LastKey: after + "k", ReadAt: time.Now(),
			}, after))
		}
		check(w.store.FinishCategory(ctx, id, c, 3, time.Now()))
	}
	sum := strings.Repeat("ab", 32)
	_, err = w.store.CompleteExport(ctx, id, schema.Archive{ObjectKey: "archive", Size: 100, SHA256: sum, GzipSize: 50, GzipSHA256: sum}, schema.DefaultWindows())
	check(err)
}

func (w *world) end(id string) {
	w.t.Helper()
	require.NoError(w.t, w.store.EndExport(w.t.Context(), id, schema.Ending{Status: schema.Expired, Reason: schema.WindowPassed}, "", schema.Certificate{}))
}

// follow reads an export's stream until it ends or the test does.
func (w *world) follow(as caller, id string) <-chan event {
	w.t.Helper()
	events, _ := w.following(as, id)
	return events
}

func (w *world) following(as caller, id string) (<-chan event, func()) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	res := w.open(as, http.MethodGet, exports+"/"+id+"/events", func(r *http.Request) { *r = *r.WithContext(ctx) }) //nolint:bodyclose // whoever reads it closes it
	require.Equal(w.t, http.StatusOK, res.StatusCode)
	events := make(chan event, 100)
	go func() {
		defer close(events)
		defer func() { _ = res.Body.Close() }()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		named := ""
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				named = name
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && named == "export" {
				holdAgainstSchema(w.t, "Export", []byte(data))
				events <- event{decode[api.ExportView](w.t, data), time.Now()}
			}
		}
		if err := lines.Err(); err != nil && !errors.Is(err, context.Canceled) {
			w.t.Errorf("read the stream: %v", err)
		}
	}()
	return events, stop
}
