package vault

import (
	"context"
	"crypto/rand"
	"io"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// maxRecordSize limits how much of a stored record is read.
const maxRecordSize = 64 << 10

// PutRecord encrypts a record of at most 4 KiB with the deployment's key, bound to
// key, and stores it. For errors the same applies as for Put.
func (v *Vault) PutRecord(ctx context.Context, key string, record []byte) error {
	sealed, err := v.encrypt(ctx, "seal a record", record, associatedData("record", "", key))
	if err != nil {
		return err
	}
	return v.put(ctx, "put a record", key, rand.Text(), sealed)
}

// GetRecord returns the record that PutRecord stored under key. It returns
// ErrUnreadable for one of another key, object or deployment key.
func (v *Vault) GetRecord(ctx context.Context, key string) ([]byte, error) {
	const op = "get a record"
	object, err := v.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &v.bucket, Key: &key})
	if err != nil {
		return nil, translateError(ctx, op, err)
	}
	defer object.Body.Close() //nolint:errcheck // it was read, or the error is known
	sealed, err := io.ReadAll(io.LimitReader(object.Body, maxRecordSize))
	if err != nil {
		return nil, translateError(ctx, op, err)
	}
	return v.decrypt(ctx, op, sealed, associatedData("record", "", key))
}

// KeysAfter lists the keys under a prefix that come after the given one, in order.
// It ends after an error.
func (v *Vault) KeysAfter(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &v.bucket, Prefix: &prefix}
		if after != "" {
			in.StartAfter = &after
		}
		pages := s3.NewListObjectsV2Paginator(v.s3, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err == nil {
				err = checkPage(page.Name != nil, page.IsTruncated, page.NextContinuationToken)
			}
			if err != nil {
				yield("", translateError(ctx, "list records", err))
				return
			}
			for _, o := range page.Contents {
				if !yield(aws.ToString(o.Key), nil) {
					return
				}
			}
		}
	}
}
