package vault

import "io"

const (
	minReadAhead = ageChunkSize // keeps a short range cheap
	maxReadAhead = 16 * ageChunkSize
)

// readAhead is a buffered reader that fills its next buffer in a goroutine while
// the current one is consumed, so that fetching and inflating overlap. Close
// ends the goroutine.
type readAhead struct {
	longest int // buffer
	filled  chan buffer
	free    chan []byte
	stop    chan struct{}
	done    chan struct{}
	current buffer
	unread  []byte // rest of current
}

type buffer struct {
	data []byte
	n    int
	err  error
}

func newReadAhead(src io.Reader, longest int) *readAhead {
	r := &readAhead{longest: longest, filled: make(chan buffer, 1), free: make(chan []byte, 2), stop: make(chan struct{}), done: make(chan struct{})}
	r.free <- nil // two buffers, allocated on first use
	r.free <- nil
	go r.run(src)
	return r
}

func (r *readAhead) run(src io.Reader) {
	defer close(r.done)
	for size := minReadAhead; ; size = min(2*size, r.longest) {
		var data []byte
		select {
		case data = <-r.free:
		case <-r.stop:
			return
		}
		if len(data) < size {
			data = make([]byte, size)
		}
		n, err := src.Read(data)
		select {
		case r.filled <- buffer{data, n, err}:
		case <-r.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

func (r *readAhead) Read(p []byte) (int, error) {
	for len(r.unread) == 0 {
		if r.current.err != nil {
			return 0, r.current.err
		}
		if r.current.data != nil {
			r.free <- r.current.data
		}
		r.current = <-r.filled
		r.unread = r.current.data[:r.current.n]
	}
	n := copy(p, r.unread)
	r.unread = r.unread[n:]
	return n, nil
}

// Close stops reading ahead and waits for the read in progress.
func (r *readAhead) Close() error {
	close(r.stop)
	<-r.done
	return nil
}
