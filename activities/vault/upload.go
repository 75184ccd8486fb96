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
	minPartBuffer = 256 << 10
	abortTimeout  = 30 * time.Second // for aborting after ctx has ended
)

// upload writes one object: with a PutObject if it fits into one part, as a
// multipart upload otherwise. It reuses the buffers of the part being filled and
// of those in flight. This bound on memory, and aborting until nothing is left,
// are what the SDK's own uploader does not offer.
type upload struct {
	v       *Vault
	key     string
	writeID string
	size    int64 // bytes written

	ctx     context.Context // the caller's
	partCtx context.Context // ends with ctx, with the first part that fails, and with close
	cancel  context.CancelFunc
	group   *errgroup.Group

	id    string                 // of the multipart upload; "" if there is none
	parts []*types.CompletedPart // number n at n-1
	buf   []byte                 // the part being filled
	free  chan []byte            // one buffer for each part that may still start
}

func (v *Vault) newUpload(ctx context.Context, key string) *upload {
	u := &upload{v: v, key: key, writeID: rand.Text(), ctx: ctx, free: make(chan []byte, partsInFlight)}
	for range partsInFlight {
		u.free <- nil // allocated on first use
	}
	ctx, u.cancel = context.WithCancel(ctx)
	u.group, u.partCtx = errgroup.WithContext(ctx)
	return u
}

// Write blocks while partsInFlight parts are being uploaded.
func (u *upload) Write(p []byte) (written int, err error) {
	if err := u.err(); err != nil {
		return 0, err
	}
	for len(p) > 0 {
		if len(u.buf) == cap(u.buf) {
			if err := u.grow(); err != nil {
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

// grow enlarges the first part's buffer step by step, since most objects are
// small, and starts uploading a part that is full.
func (u *upload) grow() error {
	if size := cap(u.buf); size < partSize {
		larger := make([]byte, len(u.buf), min(max(8*size, minPartBuffer), partSize))
		copy(larger, u.buf)
		u.buf = larger
		return nil
	}
	return u.startPart()
}

// err returns the reason why the upload cannot continue, or nil.
func (u *upload) err() error {
	cause := context.Cause(u.partCtx)
	if cause == nil {
		return nil
	}
	if _, ok := errors.AsType[*callError](cause); ok {
		return cause
	}
	return &callError{op: "create", cause: cause}
}

// startPart uploads the filled part in the background and takes a free buffer for
// the next one.
func (u *upload) startPart() error {
	if u.id == "" {
		if err := u.createMultipart(); err != nil {
			return err
		}
	}
	if len(u.parts) == maxParts {
		return fmt.Errorf("vault: create: longer than %d parts of %d bytes", maxParts, partSize)
	}
	var free []byte
	select {
	case free = <-u.free:
	case <-u.partCtx.Done():
		return u.err()
	}
	body, part := u.buf, &types.CompletedPart{PartNumber: aws.Int32(int32(len(u.parts) + 1))}
	u.parts = append(u.parts, part)
	u.group.Go(func() error {
		err := u.uploadPart(part, body)
		u.free <- body
		return err
	})
	if free == nil {
		free = make([]byte, 0, partSize)
	}
	u.buf = free[:0]
	return nil
}

func (u *upload) createMultipart() error {
	created, err := u.v.s3.CreateMultipartUpload(u.partCtx, &s3.CreateMultipartUploadInput{
		Bucket: &u.v.bucket, Key: &u.key, ContentType: aws.String(contentType),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, Metadata: map[string]string{writeIDMetadata: u.writeID},
	})
	if err != nil {
		return translateError(u.ctx, "begin an upload", err)
	}
	u.id = aws.ToString(created.UploadId)
	return nil
}

func (u *upload) uploadPart(part *types.CompletedPart, body []byte) error {
	uploaded, err := u.v.s3.UploadPart(u.partCtx, &s3.UploadPartInput{
		Bucket: &u.v.bucket, Key: &u.key, UploadId: &u.id, PartNumber: part.PartNumber,
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	}, unsignedPayload)
	if err != nil {
		return translateError(u.partCtx, "upload a part", err)
	}
	part.ETag, part.ChecksumCRC32 = uploaded.ETag, uploaded.ChecksumCRC32
	return nil
}

// complete stores the rest and makes the object visible.
func (u *upload) complete() error {
	if u.id == "" {
		return u.v.put(u.ctx, "create", u.key, u.writeID, u.buf)
	}
	if err := u.startPart(); err != nil {
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
	if err := u.v.confirmWrite(u.ctx, "create", u.key, u.writeID, err); err != nil {
		return err
	}
	u.id = "" // close has nothing to abort
	return nil
}

// close releases everything, and aborts an upload that was not completed. An
// upload that cannot be aborted within abortTimeout is left for Remove.
func (u *upload) close() {
	u.cancel()
	_ = u.group.Wait() // complete or err has returned its error
	if u.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), abortTimeout)
	defer cancel()
	_ = u.v.abort(ctx, u.key, u.id)
}
