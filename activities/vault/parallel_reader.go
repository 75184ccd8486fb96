package vault

import (
	"io"
	"sync"
)

// parallelism is how many chunks are held in memory and decrypted concurrently.
const parallelism = 4

// Memory that a Stream or a TextReader takes for reading ahead: each chunk is held
// as stored and decrypted.
const (
	StreamMemory = 2*parallelism*maxReadAhead + readerMemory
	LeanMemory   = 2*leanParallelism*maxLeanReadAhead + readerMemory

	readerMemory = 256 << 10 // an object's head and tail, inflating

	leanParallelism  = 2
	maxLeanReadAhead = 4 * ageChunkSize
)

// parallelReader reads an object's content sequentially. It fetches chunks one
// after the other, because that costs a single GET, and decrypts them
// concurrently, because that takes the most time. Both run ahead of the
// consumer. Close ends its goroutines.
type parallelReader struct {
	ordered chan chan *chunk // one channel per chunk, in reading order
	free    chan *chunk      // bounds the memory
	longest int64            // chunk
	stop    chan struct{}
	done    sync.WaitGroup
	current *chunk // nil before the first
	unread  []byte // rest of current
	err     error
}

// chunk is a range of the content, as stored and decrypted.
type chunk struct {
	sealed, plain []byte
	err           error
}

func newParallelReader(r *Reader, off int64) *parallelReader {
	chunks, longest := parallelism, int64(maxReadAhead)
	if r.lean {
		chunks, longest = leanParallelism, maxLeanReadAhead
	}
	p := &parallelReader{ordered: make(chan chan *chunk, chunks), free: make(chan *chunk, chunks), longest: longest, stop: make(chan struct{})}
	for range chunks {
		p.free <- new(chunk) // its memory is allocated on first use
	}
	p.done.Go(func() { p.run(r, off) })
	return p
}

func (p *parallelReader) run(r *Reader, off int64) {
	defer close(p.ordered)
	for size := int64(minReadAhead); off < r.size; size = min(2*size, p.longest) {
		var c *chunk
		select {
		case c = <-p.free:
		case <-p.stop:
			return
		}
		end := min((off/ageChunkSize)*ageChunkSize+size, r.size)
		decrypted := make(chan *chunk, 1)
		p.ordered <- decrypted
		if c.err = r.fetch(c, off, end); c.err != nil {
			decrypted <- c
			return
		}
		start := off
		p.done.Go(func() {
			c.err = r.decrypt(c, start)
			decrypted <- c
		})
		off = end
	}
}

// next returns at most limit of the following bytes. They are valid until the
// next call.
func (p *parallelReader) next(limit int) ([]byte, error) {
	for len(p.unread) == 0 {
		if p.err != nil {
			return nil, p.err
		}
		if p.current != nil {
			p.free <- p.current
		}
		decrypted, more := <-p.ordered
		if !more {
			p.current, p.err = nil, io.EOF
			continue
		}
		p.current = <-decrypted
		p.unread, p.err = p.current.plain, p.current.err
	}
	n := min(limit, len(p.unread))
	data := p.unread[:n]
	p.unread = p.unread[n:]
	return data, nil
}

// Close stops the reader and waits for its goroutines.
func (p *parallelReader) Close() {
	close(p.stop)
	p.done.Wait()
}
