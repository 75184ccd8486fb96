package api

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"satchel/schema"
	"satchel/schema/store"
)

const (
	pollInterval        = 500 * time.Millisecond // while the export is being made, and while a change is likely
	slowPollInterval    = 2 * time.Second        // once it is completed, and after an error
	pendingPollInterval = 3 * time.Second        // while it waits for its confirmation
	likelyChange        = 10 * time.Second       // after a stream began or a command was sent
	pollTimeout         = 8 * time.Second
)

// followedReader reads many exports at once.
type followedReader interface {
	FollowedExports(ctx context.Context, ids []string) (map[string]store.FollowedExport, error)
}

// watcher reads the exports that event streams follow: one look for all of them, and
// none while there are no streams.
type watcher struct {
	store followedReader
	run   func(context.Context) // the poller

	mu      sync.Mutex
	watched map[string]*watched // by ID
	stop    context.CancelFunc  // of the poller; nil while none runs
}

// watched is an export that at least one stream follows.
type watched struct {
	streams map[*watch]bool // whether it was woken since it began
	latest  store.FollowedExport
	next    time.Time // when to read it again
	eager   time.Time // until when it is read often
	joined  time.Time // when the last stream began, with a state that it had read itself
}

// watch is one stream's view of an export.
type watch struct {
	changed chan struct{} // receives after a change; one change at most waits
	release func()
	latest  func() schema.Export
}

func newWatcher(s followedReader) *watcher {
	w := &watcher{store: s, watched: map[string]*watched{}}
	w.run = w.poll
	return w
}

// watch follows an export until release is called.
func (w *watcher) watch(e schema.Export) *watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	at := w.watched[e.ID]
	if at == nil {
		at = &watched{streams: map[*watch]bool{}, latest: store.FollowedExport{Export: e}}
		w.watched[e.ID] = at
	}
	at.next, at.eager, at.joined = now, now.Add(likelyChange), now
	v := &watch{changed: make(chan struct{}, 1)}
	v.latest = func() schema.Export {
		w.mu.Lock()
		defer w.mu.Unlock()
		return at.latest.Export
	}
	v.release = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(at.streams, v); len(at.streams) > 0 || w.watched[e.ID] != at {
			return
		}
		if delete(w.watched, e.ID); len(w.watched) == 0 {
			w.stop()
			w.stop = nil
		}
	}
	at.streams[v] = false
	if w.stop == nil {
		var ctx context.Context
		ctx, w.stop = context.WithCancel(context.Background())
		go w.run(ctx)
	}
	return v
}

// expectChange reads the export often for a while: a command was sent to its run.
func (w *watcher) expectChange(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at := w.watched[id]; at != nil {
		at.next = time.Now()
		at.eager = at.next.Add(likelyChange)
	}
}

func (w *watcher) poll(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.read(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// read reads the exports that are due, and wakes the streams of those that changed.
// After an error they stay as they were.
func (w *watcher) read(ctx context.Context) {
	began := time.Now()
	due := w.due(began)
	if len(due) == 0 {
		return
	}
	reading, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	found, err := w.store.FollowedExports(reading, due)
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "followed exports could not be read", "err", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, id := range due {
		at := w.watched[id]
		if at == nil {
			continue
		}
		if at.joined.After(began) {
			continue // what was read may be older than what the last stream began with
		}
		at.next = now.Add(interval(at, now, err))
		e, ok := found[id]
		if !ok {
			continue
		}
		changed := !reflect.DeepEqual(e, at.latest)
		at.latest = e
		for v, woken := range at.streams {
			if woken && !changed {
				continue
			}
			at.streams[v] = true // a stream that has just begun may have begun with another state
			select {
			case v.changed <- struct{}{}:
			default: // a change waits already
			}
		}
	}
}

// due lists the exports to read now.
func (w *watcher) due(now time.Time) (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, at := range w.watched {
		if !now.Before(at.next) {
			ids = append(ids, id)
		}
	}
	return ids
}

// interval is the time until an export is read again.
func interval(at *watched, now time.Time, err error) time.Duration {
	switch {
	case err != nil:
		return slowPollInterval
	case now.Before(at.eager):
		return 0
	case at.latest.Status == schema.Pending:
		return pendingPollInterval
	case at.latest.Status == schema.Completed:
		return slowPollInterval
	}
	return 0
}
