package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	partSize      = 8 << 20 // of every part but the last
	maxParts      = 10_000  // S3's limit
	partsInFlight = 2
	firstBuffer   = 256 << 10
	abortTimeout  = 30 * time.Second // for cleaning up after ctx has ended
)

// upload is an object on its way: one PutObject where it fits into a part, a
// multipart upload otherwise. Its memory is the part being filled and those in
// flight, used again and again. That, and aborting until nothing is left, is
// what the SDK's own uploader does not offer.
type upload struct {
	v    *Vault
	key  string
	mark string
	size int64 // bytes written

	ctx     context.Context // the caller's
	sending context.Context // ends with ctx, with the first part that fails, and with close
	cancel  context.CancelFunc
	group   *errgroup.Group

	id    string                 // of the multipart upload; "" where there is none
	parts []*types.CompletedPart // number n at n-1
	buf   []byte                 // the part being filled
	spare chan []byte            // as many as parts may still take off
}

func (v *Vault) newUpload(ctx context.Context, key string) *upload {
	u := &upload{v: v, key: key, mark: rand.Text(), ctx: ctx, spare: make(chan []byte, partsInFlight)}
	for range partsInFlight {
		u.spare <- nil // made when it is needed
	}
	ctx, u.cancel = context.WithCancel(ctx)
	u.group, u.sending = errgroup.WithContext(ctx)
	return u
}

// Write waits while as many parts are in flight as may be.
func (u *upload) Write(p []byte) (written int, err error) {
	if err := u.failure(); err != nil {
		return 0, err
	}
	for len(p) > 0 {
		if len(u.buf) == cap(u.buf) {
			if err := u.makeRoom(); err != nil {
				return written, err
			}
		}
		n := min(len(p), cap(u.buf)-len(u.buf))
		u.buf = append(u.buf, p[:n]...)
		p = p[n:]
		written += n
		u.size += int64(n)
	}
	return written, nil
}

// makeRoom grows the first part's buffer, since most objects are small, and
// sends a part that is full.
func (u *upload) makeRoom() error {
	if size := cap(u.buf); size < partSize {
		larger := make([]byte, len(u.buf), min(max(8*size, firstBuffer), partSize))
		copy(larger, u.buf)
		u.buf = larger
		return nil
	}
	return u.send()
}

// failure is why the upload can not go on, or nil.
func (u *upload) failure() error {
	cause := context.Cause(u.sending)
	if cause == nil {
		return nil
	}
	if _, ok := errors.AsType[*callError](cause); ok {
		return cause
	}
	return &callError{op: "create", cause: cause}
}

// send lets the filled part take off and turns to a spare buffer.
func (u *upload) send() error {
	if u.id == "" {
		if err := u.begin(); err != nil {
			return err
		}
	}
	if len(u.parts) == maxParts {
		return fmt.Errorf("vault: create: longer than %d parts of %d bytes", maxParts, partSize)
	}
	var spare []byte
	select {
	case spare = <-u.spare:
	case <-u.sending.Done():
		return u.failure()
	}
	body, part := u.buf, &types.CompletedPart{PartNumber: aws.Int32(int32(len(u.parts) + 1))}
	u.parts = append(u.parts, part)
	u.group.Go(func() error {
		err := u.sendPart(part, body)
		u.spare <- body
		return err
	})
	if spare == nil {
		spare = make([]byte, 0, partSize)
	}
	u.buf = spare[:0]
	return nil
}

func (u *upload) begin() error {
	made, err := u.v.s3.CreateMultipartUpload(u.sending, &s3.CreateMultipartUploadInput{
		Bucket: &u.v.bucket, Key: &u.key, ContentType: aws.String(contentType),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, Metadata: map[string]string{writeMark: u.mark},
	})
	if err != nil {
		return failed(u.ctx, "begin an upload", err)
	}
	u.id = aws.ToString(made.UploadId)
	return nil
}

func (u *upload) sendPart(part *types.CompletedPart, body []byte) error {
	sent, err := u.v.s3.UploadPart(u.sending, &s3.UploadPartInput{
		Bucket: &u.v.bucket, Key: &u.key, UploadId: &u.id, PartNumber: part.PartNumber,
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	}, sealedBody)
	if err != nil {
		return failed(u.sending, "upload a part", err)
	}
	part.ETag, part.ChecksumCRC32 = sent.ETag, sent.ChecksumCRC32
	return nil
}

// finish stores what is not stored yet and makes the object appear.
func (u *upload) finish() error {
	if u.id == "" {
		return u.v.put(u.ctx, "create", u.key, u.mark, u.buf)
	}
	if err := u.send(); err != nil {
		return err
	}
	if err := u.group.Wait(); err != nil {
		return err
	}
	parts := make([]types.CompletedPart, len(u.parts))
	for i, part := range u.parts {
		parts[i] = *part
	}
	_, err := u.v.s3.CompleteMultipartUpload(u.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.v.bucket, Key: &u.key, UploadId: &u.id, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err := u.v.settled(u.ctx, "create", u.key, u.mark, err); err != nil {
		return err
	}
	u.id = "" // there is nothing to abort any more
	return nil
}

// close lets go of everything, and aborts an upload that did not finish. What
// can not be aborted in time is left to Remove.
func (u *upload) close() {
	u.cancel()
	_ = u.group.Wait() // whatever it was, finish or failure has said it
	if u.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortTimeout)
	defer cancel()
	_ = u.v.abort(ctx, u.key, u.id)
}
