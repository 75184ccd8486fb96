// Package readahead produces values in order, a few ahead of their consumer.
package readahead

import "sync"

// Reader produces values of type T, each in one of a fixed number of buffers,
// which bound the memory.
type Reader[T any] struct {
	ordered chan chan T // one channel per value, in order
	free    chan T
	stop    chan struct{}
	running sync.WaitGroup
}

// Start begins to produce values. It calls produce with one free buffer after the
// other, from a single goroutine; the work that produce returns runs concurrently
// with the next calls, and the buffer is delivered when it is done. A nil work
// delivers it at once. When produce returns false there are no more values.
func Start[T any](buffers []T, produce func(buf T) (work func(), ok bool)) *Reader[T] {
	r := &Reader[T]{ordered: make(chan chan T, len(buffers)), free: make(chan T, len(buffers)), stop: make(chan struct{})}
	for _, b := range buffers {
		r.free <- b
	}
	r.running.Go(func() { r.run(produce) })
	return r
}

func (r *Reader[T]) run(produce func(buf T) (work func(), ok bool)) {
	defer close(r.ordered)
	for {
		var buf T
		select {
		case buf = <-r.free:
		case <-r.stop:
			return
		}
		work, ok := produce(buf)
		if !ok {
			return
		}
		delivered := make(chan T, 1)
		r.ordered <- delivered // has room for every buffer
		if work == nil {
			delivered <- buf
			continue
		}
		r.running.Go(func() {
			work()
			delivered <- buf
		})
	}
}

// Next returns the next value, and false where there are no more. The value is the
// consumer's until it calls Release with it.
func (r *Reader[T]) Next() (value T, ok bool) {
	delivered, ok := <-r.ordered
	if !ok {
		return value, false
	}
	return <-delivered, true
}

// Release returns the buffer of a value for another one.
func (r *Reader[T]) Release(buf T) { r.free <- buf }

// Close stops producing and waits for the work that has begun.
func (r *Reader[T]) Close() {
	close(r.stop)
	r.running.Wait()
}
