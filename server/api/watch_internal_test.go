package api

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store"
)

// exportsByID answers with these exports, and records what was asked.
type exportsByID struct {
	exports map[string]store.FollowedExport
	asked   [][]string
}

func (e *exportsByID) FollowedExports(_ context.Context, ids []string) (map[string]store.FollowedExport, error) {
	slices.Sort(ids)
	e.asked = append(e.asked, ids)
	return e.exports, nil
}

func TestAllStreamsShareOneLookAndPendingExportsAreReadSeldom(t *testing.T) {
	t.Parallel()
	pending, processing := schema.Export{ID: "EX1", Status: schema.Pending}, schema.Export{ID: "EX2", Status: schema.Processing}
	rows := &exportsByID{exports: map[string]store.FollowedExport{"EX1": {Export: pending}, "EX2": {Export: processing}}}
	w := newWatcher(rows)
	w.run = func(context.Context) {}
	var watches []*watch
	for range 50 {
		watches = append(watches, w.watch(pending), w.watch(processing))
	}
	woken := func(id int) (n int) {
		for i, v := range watches {
			select {
			case <-v.changed:
				if i%2 == id {
					n++
				}
			default:
			}
		}
		return n
	}

	w.read(t.Context())
	require.Equal(t, [][]string{{"EX1", "EX2"}}, rows.asked, "one look for a hundred streams")
	require.Equal(t, 50, woken(0), "each may have begun with another state")
	w.read(t.Context())
	require.Zero(t, woken(0), "nothing has changed")

	for _, at := range w.watched {
		at.eager = time.Now()
	}
	w.read(t.Context())
	now := time.Now()
	require.Equal(t, []string{"EX2"}, w.due(now), "a pending export is not read at every tick")
	require.Len(t, w.due(now.Add(pendingPollInterval)), 2)

	w.expectChange("EX1")
	require.Len(t, w.due(time.Now()), 2, "a command was sent")
	rows.exports["EX1"] = store.FollowedExport{Export: pending, Revision: "mailed"}
	w.read(t.Context())
	require.Equal(t, 50, woken(0))
	require.Zero(t, woken(1))

	for _, v := range watches {
		v.release()
	}
	require.Empty(t, w.watched)
	require.Nil(t, w.stop, "no streams, no looks")
}

func TestAReadThatBeganBeforeAStreamChangesNothing(t *testing.T) {
	t.Parallel()
	older, newer := schema.Export{ID: "EX1", Status: schema.Processing}, schema.Export{ID: "EX1", Status: schema.Completed}
	rows := &joining{rows: map[string]store.FollowedExport{"EX1": {Export: older}}}
	w := newWatcher(rows)
	w.run = func(context.Context) {}
	first := w.watch(older)
	var second *watch
	rows.during = func() { second = w.watch(newer) }
	w.read(t.Context())
	require.Empty(t, second.changed, "it has read the export later than the watcher")
	require.Empty(t, first.changed)
	rows.during, rows.rows = func() {}, map[string]store.FollowedExport{"EX1": {Export: newer}}
	w.read(t.Context())
	require.Len(t, first.changed, 1)
	require.Equal(t, schema.Completed, first.latest().Status)
}

// joining answers with these exports, and calls during before it answers.
type joining struct {
	rows   map[string]store.FollowedExport
	during func()
}

func (j *joining) FollowedExports(context.Context, []string) (map[string]store.FollowedExport, error) {
	j.during()
	return j.rows, nil
}
