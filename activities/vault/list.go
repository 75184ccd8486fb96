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

// Folders names everything under a folder, such as "exports/", that has an
// object, a version of one or an unfinished upload in the bucket, each once.
// After an error it ends.
func (v *Vault) Folders(ctx context.Context, under string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		uploading := map[string]bool{}
		for u, err := range v.Uploads(ctx, under) {
			if err != nil {
				yield("", err)
				return
			}
			if name, ok := folderOf(under, u.Key); ok {
				uploading[name] = true
			}
		}
		for name, err := range v.directories(ctx, under) {
			if err != nil {
				yield("", err)
				return
			}
			if delete(uploading, name); !yield(name, nil) {
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(uploading)) {
			if !yield(name, nil) {
				return
			}
		}
	}
}

// LastStored is when something under a prefix was last stored or begun, old
// versions and the parts of unfinished uploads included; the zero time where
// there is nothing.
func (v *Vault) LastStored(ctx context.Context, prefix string) (time.Time, error) {
	var last time.Time
	for u, err := range v.Uploads(ctx, prefix) {
		if err != nil {
			return last, err
		}
		if u.StartedAt.After(last) {
			last = u.StartedAt
		}
		grown, err := v.lastPart(ctx, u)
		if err != nil {
			return last, err
		}
		if grown.After(last) {
			last = grown
		}
	}
	for o, err := range v.versions(ctx, prefix) {
		if err != nil {
			return last, err
		}
		if o.modifiedAt.After(last) {
			last = o.modifiedAt
		}
	}
	return last, nil
}

// lastPart is when an upload last grew; the zero time where it has no part, or
// is finished meanwhile.
func (v *Vault) lastPart(ctx context.Context, u Upload) (last time.Time, err error) {
	pages := s3.NewListPartsPaginator(v.s3, &s3.ListPartsInput{Bucket: &v.bucket, Key: &u.Key, UploadId: &u.ID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err = failed(ctx, "list parts", err); errors.Is(err, ErrNotFound) {
			return last, nil
		} else if err != nil {
			return last, err
		}
		for _, p := range page.Parts {
			if at := aws.ToTime(p.LastModified); at.After(last) {
				last = at
			}
		}
	}
	return last, nil
}

func folderOf(under, key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, under)
	name, _, inside := strings.Cut(rest, "/")
	return name, ok && inside && name != ""
}

// directories names the folders that have objects or versions.
func (v *Vault) directories(ctx context.Context, under string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		found := false
		each := func(prefixes []types.CommonPrefix) bool {
			for _, p := range prefixes {
				found = true
				if name, ok := folderOf(under, aws.ToString(p.Prefix)); ok && !yield(name, nil) {
					return false
				}
			}
			return true
		}
		versions := s3.NewListObjectVersionsPaginator(v.s3, &s3.ListObjectVersionsInput{
			Bucket: &v.bucket, Prefix: &under, Delimiter: aws.String("/"),
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
			Bucket: &v.bucket, Prefix: &under, Delimiter: aws.String("/"),
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
