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

// watchStall calls stop once the reader has waited for the database for the limit, until
// the watch is closed. Time that the reader spends elsewhere does not count.
func watchStall(limit time.Duration, stop context.CancelCauseFunc) *stallWatch {
	w := &stallWatch{done: make(chan struct{})}
	go func() {
		ticker := time.NewTicker(max(limit/stallChecks, time.Millisecond))
		defer ticker.Stop()
		var last int64
		var since time.Time
		for {
			select {
			case <-w.done:
				return
			case now := <-ticker.C:
				calls := w.calls.Load()
				if calls != last || calls%2 == 0 {
					last, since = calls, now
					continue
				}
				if now.Sub(since) >= limit {
					stop(stalled(limit))
					return
				}
			}
		}
	}()
	return w
}

func (w *stallWatch) close() { close(w.done) }

// enter and leave stand around each call that waits for the database.
func (w *stallWatch) enter() { w.calls.Add(1) }
func (w *stallWatch) leave() { w.calls.Add(1) }

func stalled(limit time.Duration) error {
	e := schema.Errorf(schema.Unavailable, schema.CodeSourceStalled, "The platform's database has sent nothing for %s.", limit)
	e.RetryAfter = 5 * time.Second
	return e
}
