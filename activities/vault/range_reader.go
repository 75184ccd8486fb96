package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	maxInMemory = 256 << 10                       // objects up to this size are fetched whole
	headSize    = 16 << 10                        // kept of larger ones: age's header and more
	tailSize    = ageChunkSize + ageChunkOverhead // kept of larger ones: age's last chunk
	maxSkip     = 512 << 10                       // reading over a gap is cheaper than another request
	maxResumes  = 3                               // consecutive resumed bodies that return no byte
)

// rangeReader is an io.ReaderAt over one stored object. Sequential reads cost
// one GET: it keeps the body of one GET open, and caches the first and last
// bytes, which age reads before everything else. It resumes a body that breaks
// off at the same offset, and fails if the object was replaced meanwhile.
type rangeReader struct {
	v    *Vault
	ctx  context.Context
	key  string
	size int64
	etag *string

	mu         sync.Mutex
	head       []byte        // the first bytes
	tail       []byte        // the last bytes, once they were read
	body       io.ReadCloser // nil if none is open
	bodyOffset int64         // of body's next byte
}

// openRange requests the object. ctx applies to every read from it.
func (v *Vault) openRange(ctx context.Context, key string) (*rangeReader, error) {
	got, err := v.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &v.bucket, Key: &key}, skipResponseChecksum)
	if err != nil {
		return nil, translateError(ctx, "get", err)
	}
	r := &rangeReader{v: v, ctx: ctx, key: key, size: aws.ToInt64(got.ContentLength), etag: got.ETag, body: got.Body}
	head := make([]byte, headSize)
	if r.size <= maxInMemory {
		head = make([]byte, r.size)
	}
	if err := r.readFull(head, 0); err != nil {
		r.Close()
		return nil, err
	}
	r.head = head
	return r, nil
}

// skipResponseChecksum turns off the SDK's checksum: age authenticates every byte.
func skipResponseChecksum(o *s3.Options) {
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// ReadAt implements io.ReaderAt. Concurrent calls are serialised.
func (r *rangeReader) ReadAt(p []byte, off int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if off < 0 || off >= r.size {
		return 0, io.EOF
	}
	want := p
	if rest := r.size - off; int64(len(p)) > rest {
		want, err = p[:rest], io.EOF
	}
	if off < int64(len(r.head)) {
		n = copy(want, r.head[off:])
	}
	if n == len(want) {
		return n, err
	}
	if readErr := r.readBeyondHead(want[n:], off+int64(n)); readErr != nil {
		return n, readErr
	}
	return len(want), err
}

// readBeyondHead fills p from the open body if that is at off or shortly before,
// else from the cached tail, else from a new body.
func (r *rangeReader) readBeyondHead(p []byte, off int64) error {
	tailOffset := r.size - tailSize
	if off < tailOffset || r.body != nil && off == r.bodyOffset {
		return r.readFull(p, off)
	}
	if r.tail == nil {
		tail := make([]byte, tailSize)
		body, bodyOffset := r.body, r.bodyOffset
		r.body = nil
		err := r.readFull(tail, tailOffset)
		r.closeBody()
		r.body, r.bodyOffset = body, bodyOffset
		if err != nil {
			return err
		}
		r.tail = tail
	}
	copy(p, r.tail[off-tailOffset:])
	return nil
}

// readFull fills p with the bytes at off, from the open body or a new one, and
// resumes bodies that break off.
func (r *rangeReader) readFull(p []byte, off int64) error {
	if r.body != nil && (off < r.bodyOffset || off-r.bodyOffset > maxSkip) {
		r.closeBody()
	}
	if r.body == nil {
		r.bodyOffset = off
	}
	for resumes := 0; ; resumes++ {
		start := r.bodyOffset
		err := r.readBody(&p, off)
		if len(p) == 0 || err == nil {
			return nil
		}
		r.closeBody()
		if _, final := errors.AsType[*callError](err); final || r.ctx.Err() != nil {
			return asCallError(r.ctx, err)
		}
		if r.bodyOffset > start {
			resumes = 0
		}
		if resumes == maxResumes {
			return asCallError(r.ctx, err)
		}
	}
}

// readBody discards the body up to off and reads from there into p.
func (r *rangeReader) readBody(p *[]byte, off int64) error {
	if r.body == nil {
		got, err := r.v.s3.GetObject(r.ctx, &s3.GetObjectInput{
			Bucket: &r.v.bucket, Key: &r.key, IfMatch: r.etag, Range: aws.String(fmt.Sprintf("bytes=%d-", r.bodyOffset)),
		}, skipResponseChecksum)
		if err != nil {
			return translateError(r.ctx, "get", err)
		}
		r.body = got.Body
	}
	if gap := off - r.bodyOffset; gap > 0 {
		n, err := io.CopyN(io.Discard, r.body, gap)
		if r.bodyOffset += n; err != nil {
			return err
		}
	}
	for len(*p) > 0 {
		n, err := r.body.Read(*p)
		*p, r.bodyOffset = (*p)[n:], r.bodyOffset+int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

func asCallError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*callError](err); ok {
		return err
	}
	return translateError(ctx, "read", err)
}

func (r *rangeReader) closeBody() {
	if r.body != nil {
		_ = r.body.Close() // the rest of it is not needed
		r.body = nil
	}
}

// Close ends the open GET.
func (r *rangeReader) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeBody()
}
