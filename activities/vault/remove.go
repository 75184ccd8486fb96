package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Removed counts what Remove removed.
type Removed struct {
	Objects  int // that could still be read
	Versions int // older ones, and marks of earlier deletes
	Uploads  int // unfinished
}

const (
	deleteBatch = 1000 // S3's limit
	abortTries  = 8
	abortPause  = 50 * time.Millisecond // doubled from try to try
)

// Remove deletes every object, every version of one and every unfinished
// upload under a prefix, then lists and returns only when there is nothing.
// Removing what is gone succeeds. The prefix is at least two directories deep
// and ends in "/", so that a slip removes one export and not all.
//
// What was removed before an error is counted too.
func (v *Vault) Remove(ctx context.Context, prefix string) (Removed, error) {
	var removed Removed
	if parts := strings.Split(prefix, "/"); len(parts) < 3 || parts[len(parts)-1] != "" || parts[0] == "" || parts[1] == "" {
		return removed, fmt.Errorf("vault: remove: %q is not the prefix of one export", prefix)
	}
	seen := map[string]bool{}
	for {
		uploads, versions, err := v.held(ctx, prefix)
		if err != nil {
			return removed, err
		}
		if len(uploads)+len(versions) == 0 {
			return removed, nil
		}
		for _, u := range uploads {
			if again(seen, u.Key, u.ID) {
				return removed, fmt.Errorf("vault: remove: the bucket still lists an upload it aborted under %s", prefix)
			}
			if err := v.abort(ctx, u.Key, u.ID); err != nil {
				return removed, err
			}
			removed.Uploads++
		}
		for _, o := range versions {
			if again(seen, o.key, aws.ToString(o.id)) {
				return removed, fmt.Errorf("vault: remove: the bucket still lists what it deleted under %s", prefix)
			}
		}
		if err := v.delete(ctx, versions, &removed); err != nil {
			return removed, err
		}
	}
}

// again remembers what was seen, and tells whether this was.
func again(seen map[string]bool, key, id string) bool {
	name := key + "\x00" + id
	was := seen[name]
	seen[name] = true
	return was
}

// held is what there is to remove, up to a batch of each.
func (v *Vault) held(ctx context.Context, prefix string) (uploads []Upload, versions []version, err error) {
	for u, err := range v.Uploads(ctx, prefix) {
		if err != nil {
			return nil, nil, err
		}
		if uploads = append(uploads, u); len(uploads) == deleteBatch {
			break
		}
	}
	for o, err := range v.versions(ctx, prefix) {
		if err != nil {
			return nil, nil, err
		}
		if versions = append(versions, o); len(versions) == deleteBatch {
			break
		}
	}
	return uploads, versions, nil
}

// delete removes one batch, and says so where the bucket kept any of it.
func (v *Vault) delete(ctx context.Context, versions []version, removed *Removed) error {
	if len(versions) == 0 {
		return nil
	}
	names := make([]types.ObjectIdentifier, len(versions))
	for i, o := range versions {
		names[i] = types.ObjectIdentifier{Key: &o.key, VersionId: o.id}
	}
	out, err := v.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &v.bucket, Delete: &types.Delete{Objects: names, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return failed(ctx, "delete objects", err)
	}
	kept := map[string]types.Error{}
	for _, e := range out.Errors {
		if code := aws.ToString(e.Code); code != "NoSuchKey" && code != "NoSuchVersion" {
			kept[aws.ToString(e.Key)] = e
		}
	}
	for _, o := range versions {
		if _, stayed := kept[o.key]; stayed {
			continue
		}
		if o.current {
			removed.Objects++
		} else {
			removed.Versions++
		}
	}
	for key, e := range kept {
		return fmt.Errorf("vault: delete objects: %d stayed, among them %s, for %s", len(kept), key, aws.ToString(e.Code))
	}
	return nil
}

// abort ends an unfinished upload. Parts that were in flight may land after
// it; so it looks, and aborts again, until the upload is unknown.
func (v *Vault) abort(ctx context.Context, key, id string) error {
	for pause := abortPause; pause < abortPause<<abortTries; pause *= 2 {
		_, err := v.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &v.bucket, Key: &key, UploadId: &id})
		if err == nil {
			_, err = v.s3.ListParts(ctx, &s3.ListPartsInput{Bucket: &v.bucket, Key: &key, UploadId: &id})
		}
		if err = failed(ctx, "abort an upload", err); errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return failed(ctx, "abort an upload", ctx.Err())
		}
	}
	return fmt.Errorf("vault: an upload of %s is still there after %d aborts", key, abortTries)
}
