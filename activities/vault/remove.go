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

	"satchel/schema"
)

const (
	maxDeleteBatch = 1000 // S3's limit
	maxAborts      = 8
	abortPause     = 50 * time.Millisecond // doubled after each abort
)

// Remove deletes every object, object version and unfinished upload under a prefix.
// It repeats until the bucket lists nothing there. Removing what is gone succeeds.
// The prefix must be at least two directories deep and end in "/", so that a mistake
// can remove one export at most.
//
// The certificate counts current objects, older versions with delete markers, and
// unfinished uploads. After an error it counts what was deleted until then.
func (v *Vault) Remove(ctx context.Context, prefix string) (schema.Certificate, error) {
	var removed schema.Certificate
	if parts := strings.Split(prefix, "/"); len(parts) < 3 || parts[len(parts)-1] != "" || parts[0] == "" || parts[1] == "" {
		return removed, fmt.Errorf("vault: remove: %q is not the prefix of one export", prefix)
	}
	seen := map[string]bool{}
	for {
		uploads, versions, err := v.listRemaining(ctx, prefix)
		if err != nil {
			return removed, err
		}
		if len(uploads)+len(versions) == 0 {
			return removed, nil
		}
		for _, u := range uploads {
			if alreadySeen(seen, u.Key, u.ID) {
				return removed, fmt.Errorf("vault: remove: the bucket still lists an upload it aborted under %s", prefix)
			}
			if err := v.abort(ctx, u.Key, u.ID); err != nil {
				return removed, err
			}
			removed.Uploads++
		}
		for _, o := range versions {
			if alreadySeen(seen, o.key, aws.ToString(o.id)) {
				return removed, fmt.Errorf("vault: remove: the bucket still lists what it deleted under %s", prefix)
			}
		}
		if err := v.deleteBatch(ctx, versions, &removed); err != nil {
			return removed, err
		}
	}
}

// alreadySeen adds an item to seen and reports whether it was there before.
func alreadySeen(seen map[string]bool, key, id string) bool {
	name := key + "\x00" + id
	before := seen[name]
	seen[name] = true
	return before
}

// listRemaining lists what is left to remove, up to one batch of each.
func (v *Vault) listRemaining(ctx context.Context, prefix string) (uploads []Upload, versions []objectVersion, err error) {
	for u, err := range v.Uploads(ctx, prefix) {
		if err != nil {
			return nil, nil, err
		}
		if uploads = append(uploads, u); len(uploads) == maxDeleteBatch {
			break
		}
	}
	for o, err := range v.versions(ctx, prefix) {
		if err != nil {
			return nil, nil, err
		}
		if versions = append(versions, o); len(versions) == maxDeleteBatch {
			break
		}
	}
	return uploads, versions, nil
}

// deleteBatch deletes one batch. It returns an error if the bucket kept any of it.
func (v *Vault) deleteBatch(ctx context.Context, versions []objectVersion, removed *schema.Certificate) error {
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
		return translateError(ctx, "delete objects", err)
	}
	kept := map[string]types.Error{}
	for _, e := range out.Errors {
		if code := aws.ToString(e.Code); code != "NoSuchKey" && code != "NoSuchVersion" {
			kept[aws.ToString(e.Key)] = e
		}
	}
	for _, o := range versions {
		if _, isKept := kept[o.key]; isKept {
			continue
		}
		if o.current {
			removed.Objects++
		} else {
			removed.Versions++
		}
	}
	for key, e := range kept {
		return fmt.Errorf("vault: delete objects: %d were not deleted, among them %s: %s", len(kept), key, aws.ToString(e.Code))
	}
	return nil
}

// abort aborts an unfinished upload. Parts in flight may arrive after the abort, so
// it lists the parts and aborts again until the server no longer knows the upload.
func (v *Vault) abort(ctx context.Context, key, id string) error {
	for pause := abortPause; pause < abortPause<<maxAborts; pause *= 2 {
		_, err := v.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &v.bucket, Key: &key, UploadId: &id})
		if err == nil {
			_, err = v.s3.ListParts(ctx, &s3.ListPartsInput{Bucket: &v.bucket, Key: &key, UploadId: &id})
		}
		if err = translateError(ctx, "abort an upload", err); errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return translateError(ctx, "abort an upload", ctx.Err())
		}
	}
	return fmt.Errorf("vault: an upload of %s still exists after %d aborts", key, maxAborts)
}
