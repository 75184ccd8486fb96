package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"satchel/schema"
)

// readinessPrefix begins the prefixes of CheckWrite's objects: they lie where those of
// exports do, since that is where we need to write, and are not mistaken for an export's.
const readinessPrefix = schema.ExportsPrefix + "readiness-"

// Check returns nil if objects can be read with our credentials. It asks for one that
// does not exist, since the answer to a HEAD request would not say what is wrong, and
// makes one attempt.
func (v *Vault) Check(ctx context.Context) error {
	_, err := v.get(ctx, readinessPrefix+"none/object")
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (v *Vault) get(ctx context.Context, key string) ([]byte, error) {
	got, err := v.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &v.bucket, Key: &key}, once)
	if err != nil {
		return nil, translateError(ctx, "read objects", err)
	}
	defer got.Body.Close() //nolint:errcheck // it was read to its end, or the error is known
	body, err := io.ReadAll(got.Body)
	return body, translateError(ctx, "read objects", err)
}

// CheckWrite returns nil if objects can be stored where there is none, read back, listed
// and deleted, with our credentials and by this server. It leaves nothing behind.
func (v *Vault) CheckWrite(ctx context.Context) error {
	prefix := readinessPrefix + rand.Text() + "/"
	body := []byte("ready")
	put := func() error {
		_, err := v.s3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &v.bucket, Key: aws.String(prefix + "object"), Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
			ContentType: aws.String(contentType), IfNoneMatch: aws.String("*"),
		}, unsignedPayload, once)
		return err
	}
	if err := put(); err != nil {
		return translateError(ctx, "store objects", err)
	}
	again := put()
	stored, err := v.get(ctx, prefix+"object")
	if _, removeErr := v.Remove(ctx, prefix); err == nil {
		err = removeErr
	}
	switch {
	case err != nil:
		return err
	case !bytes.Equal(stored, body):
		return &callError{op: "read objects", cause: errors.New("what was read is not what was stored")}
	case again == nil:
		return &callError{op: "store objects", cause: errors.New("an object was overwritten"), refusal: notImplemented("store objects")}
	}
	return nil
}

func once(o *s3.Options) { o.RetryMaxAttempts = 1 }
