package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

const (
	contentType = "application/octet-stream"
	writeMark   = "satchel-write" // metadata that names one write
)

// Put seals body to the recipient and stores it under key, whole or not at
// all. ErrExists: the key was taken, and what it holds is untouched. After any
// other error the object may be there and complete, where only the answer was
// lost; use a new key to try again.
func (v *Vault) Put(ctx context.Context, key, recipient string, body []byte) error {
	sealed := sealBuffers.Get().(*bytes.Buffer)
	defer sealBuffers.Put(sealed)
	if err := seal(sealed, key, recipient, body); err != nil {
		return err
	}
	return v.put(ctx, "put", key, rand.Text(), sealed.Bytes())
}

// sealBuffers saves every piece a new one. The SDK is done with a body when a
// call returns.
var sealBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (v *Vault) put(ctx context.Context, op, key, mark string, sealed []byte) error {
	_, err := v.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &v.bucket, Key: &key, Body: bytes.NewReader(sealed), ContentLength: aws.Int64(int64(len(sealed))),
		ContentType: aws.String(contentType), IfNoneMatch: aws.String("*"), Metadata: map[string]string{writeMark: mark},
	}, sealedBody)
	return v.settled(ctx, op, key, mark, err)
}

// sealedBody spares the SHA-256 of a body that SigV4 wants over plain HTTP
// (over TLS the SDK spares it itself): the CRC32 guards the way, and the seal
// everything.
func sealedBody(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("SealedBody", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(v4.SetPayloadHash(ctx, "UNSIGNED-PAYLOAD"), in)
		}), middleware.Before)
	})
}

// settled is what an error at the end of a write comes to. The SDK tries
// again when an answer is lost, and the second try then finds the first one's
// object in its way, or its upload gone. Only the mark tells whose object it
// is.
func (v *Vault) settled(ctx context.Context, op, key, mark string, err error) error {
	if err == nil {
		return nil
	}
	refused := statusOf(err) == http.StatusPreconditionFailed
	err = failed(ctx, op, err)
	if ctx.Err() != nil {
		return err
	}
	head, headErr := v.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &v.bucket, Key: &key})
	switch {
	case headErr == nil && head.Metadata[writeMark] == mark:
		return nil
	case refused && headErr == nil:
		return &callError{op: op, cause: ErrExists}
	case refused && !errors.Is(failed(ctx, op, headErr), ErrNotFound):
		return failed(ctx, op, headErr)
	}
	return err
}
