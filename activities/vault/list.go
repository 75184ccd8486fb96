package vault

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"satchel/schema"
)

// Stored is an object as the bucket lists it.
type Stored struct {
	Key        string
	Size       int64 // sealed
	ModifiedAt time.Time
}

// Upload is a multipart upload that was begun and neither completed nor
// aborted.
type Upload struct {
	Key       string
	ID        string
	StartedAt time.Time
}

// errNotS3 keeps any other page that says 200 from passing for an empty list.
var errNotS3 = errors.New("the answer is not a list of this bucket")

// Keys lists the objects under a prefix in order of their keys. After an error
// it ends.
func (v *Vault) Keys(ctx context.Context, prefix string) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		pages := s3.NewListObjectsV2Paginator(v.s3, &s3.ListObjectsV2Input{Bucket: &v.bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err == nil && page.Name == nil {
				err = errNotS3
			}
			if err != nil {
				yield(Stored{}, failed(ctx, "list objects", err))
				return
			}
			for _, o := range page.Contents {
				if !yield(Stored{aws.ToString(o.Key), aws.ToInt64(o.Size), aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
		}
	}
}

// Uploads lists the unfinished uploads under a prefix. After an error it ends.
func (v *Vault) Uploads(ctx context.Context, prefix string) iter.Seq2[Upload, error] {
	return func(yield func(Upload, error) bool) {
		pages := s3.NewListMultipartUploadsPaginator(v.s3, &s3.ListMultipartUploadsInput{Bucket: &v.bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err == nil && page.Bucket == nil {
				err = errNotS3
			}
			if err != nil {
				yield(Upload{}, failed(ctx, "list uploads", err))
				return
			}
			for _, u := range page.Uploads {
				if !yield(Upload{aws.ToString(u.Key), aws.ToString(u.UploadId), aws.ToTime(u.Initiated)}, nil) {
					return
				}
			}
		}
	}
}

// Exports names every export that has an object, a version of one or an
// unfinished upload in the bucket, each once. What does not look like an
// export is not ours and is left out. After an error it ends.
func (v *Vault) Exports(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		uploading := map[string]bool{}
		for u, err := range v.Uploads(ctx, exports) {
			if err != nil {
				yield("", err)
				return
			}
			if id, ok := exportOf(u.Key); ok {
				uploading[id] = true
			}
		}
		for id, err := range v.directories(ctx) {
			if err != nil {
				yield("", err)
				return
			}
			if delete(uploading, id); !yield(id, nil) {
				return
			}
		}
		for _, id := range slices.Sorted(maps.Keys(uploading)) {
			if !yield(id, nil) {
				return
			}
		}
	}
}

// LastTouched is when something of an export was last stored or begun, old
// versions included; the zero time where there is nothing.
func (v *Vault) LastTouched(ctx context.Context, export string) (time.Time, error) {
	var last time.Time
	for u, err := range v.Uploads(ctx, schema.ObjectPrefix(export)) {
		if err != nil {
			return last, err
		}
		if u.StartedAt.After(last) {
			last = u.StartedAt
		}
	}
	for o, err := range v.versions(ctx, schema.ObjectPrefix(export)) {
		if err != nil {
			return last, err
		}
		if o.modifiedAt.After(last) {
			last = o.modifiedAt
		}
	}
	return last, nil
}

const exports = "exports/"

func exportOf(key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, exports)
	id, _, inside := strings.Cut(rest, "/")
	return id, ok && inside && schema.IsExportID(id)
}

// directories names the exports that have objects or versions.
func (v *Vault) directories(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		found := false
		each := func(prefixes []types.CommonPrefix) bool {
			for _, p := range prefixes {
				found = true
				if id, ok := exportOf(aws.ToString(p.Prefix)); ok && !yield(id, nil) {
					return false
				}
			}
			return true
		}
		versions := s3.NewListObjectVersionsPaginator(v.s3, &s3.ListObjectVersionsInput{
			Bucket: &v.bucket, Prefix: aws.String(exports), Delimiter: aws.String("/"),
		})
		for versions.HasMorePages() {
			page, err := versions.NextPage(ctx)
			if knowsNoVersions(err) {
				break
			}
			if err != nil {
				yield("", failed(ctx, "list versions", err))
				return
			}
			if !each(page.CommonPrefixes) {
				return
			}
		}
		if found {
			return
		}
		objects := s3.NewListObjectsV2Paginator(v.s3, &s3.ListObjectsV2Input{
			Bucket: &v.bucket, Prefix: aws.String(exports), Delimiter: aws.String("/"),
		})
		for objects.HasMorePages() {
			page, err := objects.NextPage(ctx)
			if err != nil {
				yield("", failed(ctx, "list objects", err))
				return
			}
			if !each(page.CommonPrefixes) {
				return
			}
		}
	}
}
