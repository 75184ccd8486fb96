package vault

import (
	"context"
	"io"
	"slices"

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
	src     *source
	content io.ReaderAt
	size    int64
}

// OpenAt opens an object for reading at random. That the object is sealed for
// this place, and how long it is, is proved here; each byte is proved before
// ReadAt returns it. ctx governs every read. The caller closes the Reader.
func (v *Vault) OpenAt(ctx context.Context, key string, id Identity) (*Reader, error) {
	src, err := v.openSource(ctx, key)
	if err != nil {
		return nil, err
	}
	content, size, err := age.DecryptReaderAt(src, src.size, opener{id, key})
	if err != nil {
		src.Close()
		return nil, opened(ctx, err)
	}
	return &Reader{ctx: ctx, src: src, content: content, size: size}, nil
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

// Close ends the open GET.
func (r *Reader) Close() error {
	r.src.Close()
	return nil
}
