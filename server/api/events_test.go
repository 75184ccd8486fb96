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

func TestAStreamShowsEveryStepInOrderAndEnds(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.owner).ID // not written yet
	events := fx.follow(fx.owner, id)
	first := <-events
	require.Equal(t, schema.Pending, first.Status)

	fx.openRow(id)
	require.NoError(t, fx.store.ConfirmExport(t.Context(), id, "", "age1recipient", []byte("wrapped")))
	var received []event
	go fx.collect(id)
	for e := range events {
		received = append(received, e)
		if e.Status == schema.Completed {
			fx.end(id)
		}
	}
	require.Greater(t, len(received), 4)
	last := received[len(received)-1]
	require.Equal(t, schema.Expired, last.Status)
	require.Equal(t, "window_passed", *last.Reason)
	require.Equal(t, fx.show(id), last.ExportView)

	before := first
	for _, now := range received {
		require.GreaterOrEqual(t, slices.Index(schema.Statuses, now.Status), slices.Index(schema.Statuses, before.Status))
		for i := range now.Categories {
			require.GreaterOrEqual(t, now.Categories[i].Records, before.Categories[i].Records)
			require.GreaterOrEqual(t, now.Categories[i].Bytes, before.Categories[i].Bytes)
		}
		require.NotEqual(t, before.ExportView, now.ExportView, "the event is the same as before")
		before = now
	}
	require.LessOrEqual(t, float64(len(received)), 2*before.at.Sub(first.at).Seconds()+2, "more than twice a second")
}

func TestTheStreamOfAnEndedExportIsOneEventAndAReconnectIsA204(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.owner).ID
	fx.openRow(id)
	require.NoError(t, fx.store.EndExport(t.Context(), id, schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}, "", schema.Certificate{}))

	a := fx.send(fx.owner, http.MethodGet, exports+"/"+id+"/events")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "text/event-stream", a.header.Get("Content-Type"))
	shown := strings.TrimSpace(fx.send(fx.owner, http.MethodGet, exports+"/"+id).body)
	require.Equal(t, "retry: 2000\n\nevent: export\nid: ended\ndata: "+shown+"\n\n", a.body)

	a = fx.send(fx.owner, http.MethodGet, exports+"/"+id+"/events", header("Last-Event-ID", "ended"))
	require.Equal(t, http.StatusNoContent, a.status)
}

func TestOpenStreamsOfAPrincipalAreLimited(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, withTemporal)
	id := fx.request(fx.owner).ID
	stops := make([]func(), 8)
	for i := range stops {
		events, stop := fx.following(fx.owner, id)
		require.Equal(t, schema.Pending, (<-events).Status)
		stops[i] = stop
	}
	a := fx.send(fx.owner, http.MethodGet, exports+"/"+id+"/events")
	requireProblem(t, a, http.StatusTooManyRequests, "too_many_streams")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Equal(t, schema.Pending, (<-fx.follow(fx.admin, id)).Status) // others are not in the way

	stops[3]()
	eventually(t, "another stream is allowed", func() bool {
		res := fx.open(fx.owner, http.MethodGet, exports+"/"+id+"/events")
		require.NoError(t, res.Body.Close())
		return res.StatusCode == http.StatusOK
	})
}

func TestAStreamEndsWhenTheServerShutsDownAndLeavesNothingBehind(t *testing.T) { // not parallel: it counts goroutines
	t.Run("fixture", func(t *testing.T) {
		fx := newFixture(t)
		id := schema.NewExportID()
		fx.openRow(id)
		ignore := goleak.IgnoreCurrent()
		events := fx.follow(fx.owner, id)
		require.Equal(t, schema.Pending, (<-events).Status)
		fx.api.EndStreams()
		_, more := <-events
		require.False(t, more)
		plain.CloseIdleConnections()
		goleak.VerifyNone(t, ignore, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
	})
}

func TestAStreamOutlivesTheServersTimeoutsAndDatabaseErrors(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	id := schema.NewExportID()
	fx.openRow(id)
	fx.url = fx.serve(700 * time.Millisecond)
	events := fx.follow(fx.owner, id)
	require.Equal(t, schema.Pending, (<-events).Status)
	fx.exec(`alter table satchel.exports rename to exports_renamed`)
	broken := time.NewTimer(1500 * time.Millisecond)
	select {
	case e, more := <-events:
		t.Fatalf("received %v, %v", e.Status, more)
	case <-broken.C:
	}
	fx.exec(`alter table satchel.exports_renamed rename to exports`)
	fx.exec(`update satchel.exports set status = 'processing', confirmed_at = now()`)
	require.Equal(t, schema.Processing, (<-events).Status)
}

// event is one event of a stream, and when it came.
type event struct {
	api.ExportView
	at time.Time
}

// collect writes the rows of an export until it is completed, as a worker would,
// slower than the stream polls.
func (fx *fixture) collect(id string) {
	ctx := fx.t.Context()
	check := func(err error) {
		if err != nil && ctx.Err() == nil {
			fx.t.Errorf("collect the export: %v", err)
		}
	}
	_, err := fx.store.StartCollecting(ctx, id)
	check(err)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for i, c := range schema.Categories {
		check(fx.store.BeginCategory(ctx, id, c, 30))
		for seq := range 3 {
			<-tick.C
			after := strings.Repeat("k", seq)
			check(fx.store.AddPiece(ctx, id, schema.Piece{
				Category: c, Seq: seq, ObjectKey: c.Title(), Records: 10 + int64(i), TextBytes: 100, GzipBytes: 50,
				SHA256: "ab", FirstKey: after + "k", LastKey: after + "k", ReadAt: time.Now(),
			}, "", after))
		}
		check(fx.store.FinishCategory(ctx, id, c, "", schema.Checkpoint{Pieces: 3, LastKey: "kkk"}, time.Now()))
	}
	sum := strings.Repeat("ab", 32)
	_, err = fx.store.CompleteExport(ctx, id, schema.Archive{ObjectKey: "archive", Size: 100, SHA256: sum, GzipSize: 50, GzipSHA256: sum}, schema.DefaultWindows())
	check(err)
}

func (fx *fixture) end(id string) {
	fx.t.Helper()
	require.NoError(fx.t, fx.store.EndExport(fx.t.Context(), id, schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}, "", schema.Certificate{}))
}

// follow reads an export's stream until it ends or the test does.
func (fx *fixture) follow(as credentials, id string) <-chan event {
	fx.t.Helper()
	events, _ := fx.following(as, id)
	return events
}

func (fx *fixture) following(as credentials, id string) (<-chan event, func()) {
	fx.t.Helper()
	ctx, stop := context.WithCancel(fx.t.Context())
	res := fx.open(as, http.MethodGet, exports+"/"+id+"/events", func(r *http.Request) { *r = *r.WithContext(ctx) }) //nolint:bodyclose // the goroutine closes it
	require.Equal(fx.t, http.StatusOK, res.StatusCode)
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
				requireSchema(fx.t, "Export", []byte(data))
				events <- event{decode[api.ExportView](fx.t, data), time.Now()}
			}
		}
		if err := lines.Err(); err != nil && !errors.Is(err, context.Canceled) {
			fx.t.Errorf("read the stream: %v", err)
		}
	}()
	return events, stop
}
