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
	inMemory = 256 << 10         // objects up to this size are fetched whole
	headSize = 16 << 10          // of the rest: age's header and more
	tailSize = chunk + chunkSeal // of the rest: age's last chunk
	skipSize = 512 << 10         // reading on over a gap is cheaper than asking again
	resumes  = 3                 // times in a row that a body may break without giving a byte
)

// source reads one stored object at random, and costs one GET as long as the
// reading goes forward: it keeps the body of one GET open and remembers the
// beginning and the end, which age looks at before everything else. A body
// that breaks off is asked for again from there, of the same object or none.
type source struct {
	v    *Vault
	ctx  context.Context
	key  string
	size int64
	etag *string

	mu   sync.Mutex
	head []byte        // the first bytes
	tail []byte        // the last bytes, once they were asked for
	body io.ReadCloser // nil where none is open
	at   int64         // where body stands
}

// openSource asks for the object. ctx governs everything read from it.
func (v *Vault) openSource(ctx context.Context, key string) (*source, error) {
	got, err := v.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &v.bucket, Key: &key}, sealedAnswer)
	if err != nil {
		return nil, failed(ctx, "get", err)
	}
	s := &source{v: v, ctx: ctx, key: key, size: aws.ToInt64(got.ContentLength), etag: got.ETag, body: got.Body}
	head := make([]byte, headSize)
	if s.size <= inMemory {
		head = make([]byte, s.size)
	}
	if err := s.stream(head, 0); err != nil {
		s.Close()
		return nil, err
	}
	s.head = head
	return s, nil
}

// sealedAnswer spares the checksum of what comes: the seal guards it.
func sealedAnswer(o *s3.Options) {
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// ReadAt is io.ReaderAt. Concurrent calls wait for each other.
func (s *source) ReadAt(p []byte, off int64) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	want := p
	if rest := s.size - off; int64(len(p)) > rest {
		want, err = p[:rest], io.EOF
	}
	if off < int64(len(s.head)) {
		n = copy(want, s.head[off:])
	}
	if n == len(want) {
		return n, err
	}
	if failure := s.beyondHead(want[n:], off+int64(n)); failure != nil {
		return n, failure
	}
	return len(want), err
}

// beyondHead fills p from the open body if it stands there or nearly so, else
// from the tail, else from a new body.
func (s *source) beyondHead(p []byte, off int64) error {
	tailAt := s.size - tailSize
	if off < tailAt || s.body != nil && off == s.at {
		return s.stream(p, off)
	}
	if s.tail == nil {
		tail := make([]byte, tailSize)
		body, at := s.body, s.at
		s.body = nil
		err := s.stream(tail, tailAt)
		s.closeBody()
		s.body, s.at = body, at
		if err != nil {
			return err
		}
		s.tail = tail
	}
	copy(p, s.tail[off-tailAt:])
	return nil
}

// stream fills p from the body that is open, or is opened, at off.
func (s *source) stream(p []byte, off int64) error {
	if s.body != nil && (off < s.at || off-s.at > skipSize) {
		s.closeBody()
	}
	if s.body == nil {
		s.at = off
	}
	for broken := 0; ; broken++ {
		from := s.at
		err := s.fill(&p, off)
		if len(p) == 0 || err == nil {
			return nil
		}
		s.closeBody()
		if _, final := errors.AsType[*callError](err); final || s.ctx.Err() != nil {
			return failedRead(s.ctx, err)
		}
		if s.at > from {
			broken = 0
		}
		if broken == resumes {
			return failedRead(s.ctx, err)
		}
	}
}

// fill reads on from s.at: up to off for nothing, from there into p.
func (s *source) fill(p *[]byte, off int64) error {
	if s.body == nil {
		got, err := s.v.s3.GetObject(s.ctx, &s3.GetObjectInput{
			Bucket: &s.v.bucket, Key: &s.key, IfMatch: s.etag, Range: aws.String(fmt.Sprintf("bytes=%d-", s.at)),
		}, sealedAnswer)
		if err != nil {
			return failed(s.ctx, "get", err)
		}
		s.body = got.Body
	}
	if gap := off - s.at; gap > 0 {
		n, err := io.CopyN(io.Discard, s.body, gap)
		if s.at += n; err != nil {
			return err
		}
	}
	for len(*p) > 0 {
		n, err := s.body.Read(*p)
		*p, s.at = (*p)[n:], s.at+int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

func failedRead(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*callError](err); ok {
		return err
	}
	return failed(ctx, "read", err)
}

func (s *source) closeBody() {
	if s.body != nil {
		_ = s.body.Close() // nothing more is wanted of it
		s.body = nil
	}
}

// Close ends the open GET.
func (s *source) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeBody()
}
