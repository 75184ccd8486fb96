package vault

import (
	"io"
	"sync"
)

// side is how many windows are fetched or decrypted side by side.
const side = 4

// forward reads on through an object's content. Windows are fetched one after
// the other, since that costs one GET, and decrypted side by side, since that
// takes longest; the next ones while the last is used. It ends when it is closed.
type forward struct {
	order chan chan *stretch // in which they are read
	spare chan *stretch      // bounds the memory
	stop  chan struct{}
	done  sync.WaitGroup
	now   *stretch // being read; nil before the first
	left  []byte   // of now
	err   error
}

// stretch is a window of the content, as it is stored and as it was written.
type stretch struct {
	sealed, plain []byte
	err           error
}

func readForward(r *Reader, off int64) *forward {
	f := &forward{order: make(chan chan *stretch, side), spare: make(chan *stretch, side), stop: make(chan struct{})}
	for range side {
		f.spare <- new(stretch) // with memory when it is needed
	}
	f.done.Go(func() { f.run(r, off) })
	return f
}

func (f *forward) run(r *Reader, off int64) {
	defer close(f.order)
	for size := int64(firstWindow); off < r.size; size = min(2*size, fullWindow) {
		var next *stretch
		select {
		case next = <-f.spare:
		case <-f.stop:
			return
		}
		end := min((off/chunk)*chunk+size, r.size)
		opened := make(chan *stretch, 1)
		f.order <- opened
		if next.err = r.fetch(next, off, end); next.err != nil {
			opened <- next
			return
		}
		from := off
		f.done.Go(func() {
			next.err = r.unseal(next, from)
			opened <- next
		})
		off = end
	}
}

// next is what comes next, at most so much of it, good until it is called again.
func (f *forward) next(most int) ([]byte, error) {
	for len(f.left) == 0 {
		if f.err != nil {
			return nil, f.err
		}
		if f.now != nil {
			f.spare <- f.now
		}
		opened, more := <-f.order
		if !more {
			f.now, f.err = nil, io.EOF
			continue
		}
		f.now = <-opened
		f.left, f.err = f.now.plain, f.now.err
	}
	some := f.left[:min(most, len(f.left))]
	f.left = f.left[len(some):]
	return some, nil
}

// Close waits for what is under way.
func (f *forward) Close() {
	close(f.stop)
	f.done.Wait()
}
