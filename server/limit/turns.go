package limit

import (
	"context"
	"sync"
)

// Turns let only some of each key run at once, and others of the key wait. It is safe
// for concurrent use.
type Turns struct {
	atOnce int

	mu    sync.Mutex
	queue map[string]*queue
}

type queue struct {
	slots chan struct{}
	users int // that run or wait
}

// NewTurns lets atOnce run for each key.
func NewTurns(atOnce int) *Turns { return &Turns{atOnce: atOnce, queue: map[string]*queue{}} }

// Wait waits until it is the key's turn, which lasts until end is called, once. The
// error is that of ctx.
func (t *Turns) Wait(ctx context.Context, key string) (end func(), err error) {
	q := t.join(key)
	select {
	case q.slots <- struct{}{}:
		return func() {
			<-q.slots
			t.leave(key, q)
		}, nil
	case <-ctx.Done():
		t.leave(key, q)
		return nil, ctx.Err()
	}
}

func (t *Turns) join(key string) *queue {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.queue[key]
	if q == nil {
		q = &queue{slots: make(chan struct{}, t.atOnce)}
		t.queue[key] = q
	}
	q.users++
	return q
}

func (t *Turns) leave(key string, q *queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(t.queue, key)
	}
}
