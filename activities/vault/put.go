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
	contentType     = "application/octet-stream"
	writeIDMetadata = "satchel-write" // metadata that identifies one write
)

// Put encrypts body to the recipient and stores it under key, whole or not at
// all. ErrExists means that the key was taken; its object is unchanged. After any
// other error the object may exist and be complete, if only the response was
// lost; use a new key to try again.
func (v *Vault) Put(ctx context.Context, key, recipient string, body []byte) error {
	sealed := sealBuffers.Get().(*bytes.Buffer)
	defer sealBuffers.Put(sealed)
	if err := seal(sealed, key, recipient, body); err != nil {
		return err
	}
	return v.put(ctx, "put", key, rand.Text(), sealed.Bytes())
}

// sealBuffers are reused between pieces. The SDK does not use a body after the
// call returned.
var sealBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (v *Vault) put(ctx context.Context, op, key, writeID string, sealed []byte) error {
	_, err := v.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &v.bucket, Key: &key, Body: bytes.NewReader(sealed), ContentLength: aws.Int64(int64(len(sealed))),
		ContentType: aws.String(contentType), IfNoneMatch: aws.String("*"), Metadata: map[string]string{writeIDMetadata: writeID},
	}, unsignedPayload)
	return v.confirmWrite(ctx, op, key, writeID, err)
}

// unsignedPayload skips the SHA-256 of the body that SigV4 requires over plain
// HTTP (over TLS the SDK skips it itself): a CRC32 covers the transfer, and age
// authenticates the content.
func unsignedPayload(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("UnsignedPayload", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(v4.SetPayloadHash(ctx, "UNSIGNED-PAYLOAD"), in)
		}), middleware.Before)
	})
}

// confirmWrite returns the final result of a write that ended with err. The SDK
// retries when a response is lost, and the retry then finds the first attempt's
// object in its way, or its upload gone. Only the write ID in the metadata tells
// whether the object is from this write.
func (v *Vault) confirmWrite(ctx context.Context, op, key, writeID string, err error) error {
	if err == nil {
		return nil
	}
	exists := statusOf(err) == http.StatusPreconditionFailed
	err = translateError(ctx, op, err)
	if ctx.Err() != nil {
		return err
	}
	head, headErr := v.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &v.bucket, Key: &key})
	switch {
	case headErr == nil && head.Metadata[writeIDMetadata] == writeID:
		return nil
	case exists && headErr == nil:
		return &callError{op: op, cause: ErrExists}
	case exists && !errors.Is(translateError(ctx, op, headErr), ErrNotFound):
		return translateError(ctx, op, headErr)
	}
	return err
}
