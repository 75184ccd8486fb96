package vault

import (
	"context"
	"io"
	"slices"
	"sync"

	"filippo.io/age"
)

// Get returns the whole content of an object, in buf's memory where that is
// enough; pass the last result's to use it again. What it returns is authentic
// to the last byte.
func (v *Vault) Get(ctx context.Context, key string, id Identity, buf []byte) ([]byte, error) {
	src, err := v.openSource(ctx, key)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	content, err := age.Decrypt(io.NewSectionReader(src, 0, src.size), opener{id, key})
	if err != nil {
		return nil, opened(ctx, err)
	}
	buf = slices.Grow(buf[:0], int(src.size)) // always longer than its content
	for {
		n, err := content.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, opened(ctx, err)
		}
	}
}

// Reader reads the content of one object at random. Reading forward costs one
// GET and is about as fast as S3 and decryption are; a jump costs another GET.
// Concurrent reads are safe but undo that, so give each reader of a file its
// own Reader.
type Reader struct {
	ctx     context.Context
	src     *fetched
	content io.ReaderAt
	size    int64
}

// fetched is a source of which parts are in memory.
type fetched struct {
	*source
	mu    sync.RWMutex
	parts map[*stretch]int64 // where each begins
}

// ReadAt is io.ReaderAt.
func (f *fetched) ReadAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for part, at := range f.parts {
		if off >= at && off+int64(len(p)) <= at+int64(len(part.sealed)) {
			return copy(p, part.sealed[off-at:]), nil
		}
	}
	return f.source.ReadAt(p, off)
}

// OpenAt opens an object for reading at random. That the object is sealed for
// this place, and how long it is, is proved here; each byte is proved before
// ReadAt returns it. ctx governs every read. The caller closes the Reader.
func (v *Vault) OpenAt(ctx context.Context, key string, id Identity) (*Reader, error) {
	src, err := v.openSource(ctx, key)
	if err != nil {
		return nil, err
	}
	parts := &fetched{source: src, parts: map[*stretch]int64{}}
	content, size, err := age.DecryptReaderAt(parts, src.size, opener{id, key})
	if err != nil {
		src.Close()
		return nil, opened(ctx, err)
	}
	return &Reader{ctx: ctx, src: parts, content: content, size: size}, nil
}

// Size is the content's size in bytes.
func (r *Reader) Size() int64 { return r.size }

// ReadAt is io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= r.size {
		return 0, io.EOF
	}
	n, err := r.content.ReadAt(p, off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, opened(r.ctx, err)
}

// fetch brings what seals the content from off to end into memory: whole chunks,
// which stand one behind the other at the object's end.
func (r *Reader) fetch(s *stretch, off, end int64) error {
	first, last := off/chunk, (end+chunk-1)/chunk
	header := r.src.size - r.size - chunkSeal*((r.size+chunk-1)/chunk)
	at := header + first*(chunk+chunkSeal)
	size := min(header+last*(chunk+chunkSeal), r.src.size) - at
	s.sealed = slices.Grow(s.sealed[:0], int(size))[:size]
	s.plain = slices.Grow(s.plain[:0], int(end-off))[:end-off]
	if n, err := r.src.source.ReadAt(s.sealed, at); n < len(s.sealed) {
		s.plain = s.plain[:0]
		return opened(r.ctx, err)
	}
	r.src.mu.Lock()
	r.src.parts[s] = at
	r.src.mu.Unlock()
	return nil
}

// unseal opens what was fetched for the content from off on.
func (r *Reader) unseal(s *stretch, off int64) error {
	n, err := r.ReadAt(s.plain, off)
	if s.plain = s.plain[:n]; err == io.EOF {
		err = nil
	}
	r.src.mu.Lock()
	delete(r.src.parts, s)
	r.src.mu.Unlock()
	return err
}

// Close ends the open GET.
func (r *Reader) Close() error {
	r.src.Close()
	return nil
}
