package source

import (
	"context"
	"sync/atomic"
	"time"

	"satchel/schema"
)

// stallWatch ends a read for which the database sends nothing. TCP keep-alive does not
// notice a server process that is frozen, or that waits for a lock for ever: the kernel
// answers for it.
type stallWatch struct {
	calls atomic.Int64 // odd while the reader waits for the database
	done  chan struct{}
}

// stallChecks is how often the watch looks within the limit.
const stallChecks = 8

// watchStall ends ctx by stop once the reader has waited for the database for the limit,
// until the watch is closed, and calls the wait observer of ctx. Time that the reader
// spends elsewhere does not count.
func watchStall(ctx context.Context, limit time.Duration, stop context.CancelCauseFunc) *stallWatch {
	w := &stallWatch{done: make(chan struct{})}
	go w.run(schema.WaitObserver(ctx), limit, stop)
	return w
}

func (w *stallWatch) run(observe func(waiting bool), limit time.Duration, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(max(limit/stallChecks, time.Millisecond))
	defer ticker.Stop()
	var last int64
	var since time.Time
	waiting := false
	for {
		select {
		case <-w.done:
			return
		case now := <-ticker.C:
			calls := w.calls.Load()
			still := calls == last && calls%2 == 1
			if still != waiting {
				waiting = still
				observe(waiting)
			}
			if !still {
				last, since = calls, now
				continue
			}
			if now.Sub(since) >= limit {
				stop(stalled(limit))
				return
			}
		}
	}
}

func (w *stallWatch) close() { close(w.done) }

// enter and leave stand around each call that waits for the database.
func (w *stallWatch) enter() { w.calls.Add(1) }
func (w *stallWatch) leave() { w.calls.Add(1) }

// withStallLimit returns a context for queries that return few rows, which ends after the
// stall limit.
func (db *DB) withStallLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, db.limits.Stall, stalled(db.limits.Stall))
}

func stalled(limit time.Duration) error {
	e := schema.Errorf(schema.Unavailable, schema.CodeSourceStalled, "The platform's database has sent nothing for %s.", limit)
	e.RetryAfter = 5 * time.Second
	return e
}
