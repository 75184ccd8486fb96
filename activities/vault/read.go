package vault

import (
	"context"
	"io"
	"slices"
	"sync"

	"filippo.io/age"
)

// Get returns the whole content of an object, in buf's memory if that is large
// enough; pass the last result's to reuse it. Every byte it returns is
// authenticated.
func (v *Vault) Get(ctx context.Context, key string, id Identity, buf []byte) ([]byte, error) {
	src, err := v.openRange(ctx, key)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	content, err := age.Decrypt(io.NewSectionReader(src, 0, src.size), boundIdentity{id, key})
	if err != nil {
		return nil, readError(ctx, err)
	}
	buf = slices.Grow(buf[:0], int(src.size)) // the sealed size is always larger
	for {
		n, err := content.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, readError(ctx, err)
		}
	}
}

// Reader reads the content of one object at random. Reading forward costs one
// GET and is limited by S3 and decryption; each jump costs another GET.
// Concurrent reads are safe but lose that advantage, so use one Reader per
// goroutine.
type Reader struct {
	ctx     context.Context
	src     *cachedSource
	content io.ReaderAt
	size    int64
	lean    bool
}

// Lean makes what reads ahead take LeanMemory instead of StreamMemory at most. It
// is to be called before reading.
func (r *Reader) Lean() { r.lean = true }

// cachedSource is a rangeReader that serves the chunks held in memory from there.
type cachedSource struct {
	*rangeReader
	mu     sync.RWMutex
	chunks map[*chunk]int64 // offset of each
}

// ReadAt implements io.ReaderAt.
func (s *cachedSource) ReadAt(p []byte, off int64) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for c, start := range s.chunks {
		if off >= start && off+int64(len(p)) <= start+int64(len(c.sealed)) {
			return copy(p, c.sealed[off-start:]), nil
		}
	}
	return s.rangeReader.ReadAt(p, off)
}

// OpenAt opens an object for random access. It verifies that the object was
// encrypted for this key and how long it is; ReadAt verifies each byte before it
// returns it. ctx applies to every read. The caller closes the Reader.
func (v *Vault) OpenAt(ctx context.Context, key string, id Identity) (*Reader, error) {
	src, err := v.openRange(ctx, key)
	if err != nil {
		return nil, err
	}
	cached := &cachedSource{rangeReader: src, chunks: map[*chunk]int64{}}
	content, size, err := age.DecryptReaderAt(cached, src.size, boundIdentity{id, key})
	if err != nil {
		src.Close()
		return nil, readError(ctx, err)
	}
	return &Reader{ctx: ctx, src: cached, content: content, size: size}, nil
}

// Size returns the content's size in bytes.
func (r *Reader) Size() int64 { return r.size }

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= r.size {
		return 0, io.EOF
	}
	n, err := r.content.ReadAt(p, off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, readError(r.ctx, err)
}

// fetch reads the stored bytes of the content from off to end into c. These are
// whole age chunks, which are contiguous behind the object's header.
func (r *Reader) fetch(c *chunk, off, end int64) error {
	first, last := off/ageChunkSize, (end+ageChunkSize-1)/ageChunkSize
	header := r.src.size - r.size - ageChunkOverhead*((r.size+ageChunkSize-1)/ageChunkSize)
	start := header + first*(ageChunkSize+ageChunkOverhead)
	size := min(header+last*(ageChunkSize+ageChunkOverhead), r.src.size) - start
	c.sealed = slices.Grow(c.sealed[:0], int(size))[:size]
	c.plain = slices.Grow(c.plain[:0], int(end-off))[:end-off]
	if n, err := r.src.rangeReader.ReadAt(c.sealed, start); n < len(c.sealed) {
		c.plain = c.plain[:0]
		return readError(r.ctx, err)
	}
	r.src.mu.Lock()
	r.src.chunks[c] = start
	r.src.mu.Unlock()
	return nil
}

// decrypt fills c.plain with the content from off on.
func (r *Reader) decrypt(c *chunk, off int64) error {
	n, err := r.ReadAt(c.plain, off)
	if c.plain = c.plain[:n]; err == io.EOF {
		err = nil
	}
	r.src.mu.Lock()
	delete(r.src.chunks, c)
	r.src.mu.Unlock()
	return err
}

// Close ends the open GET.
func (r *Reader) Close() error {
	r.src.Close()
	return nil
}
