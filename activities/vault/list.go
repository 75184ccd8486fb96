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

// ObjectInfo is an object in a listing of the bucket.
type ObjectInfo struct {
	Key        string
	Size       int64 // encrypted
	ModifiedAt time.Time
}

// Upload is a multipart upload that was neither completed nor aborted.
type Upload struct {
	Key       string
	ID        string
	StartedAt time.Time
}

// errNotS3 rejects responses with status 200 that are no listing, such as a proxy's
// page, which would otherwise look like an empty list.
var errNotS3 = errors.New("the response is not a listing of this bucket")

// errCutList rejects a listing that goes on and does not say where, which would
// otherwise look as if it were whole.
var errCutList = errors.New("the listing of the bucket is cut, and does not say where it goes on")

// checkPage checks a page of a listing: that it is one, and can be continued if it is
// cut.
func checkPage(isListing bool, truncated *bool, next *string) error {
	switch {
	case !isListing:
		return errNotS3
	case aws.ToBool(truncated) && aws.ToString(next) == "":
		return errCutList
	}
	return nil
}

// Objects lists the objects under a prefix, ordered by key. It ends after an error.
func (v *Vault) Objects(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		pages := s3.NewListObjectsV2Paginator(v.s3, &s3.ListObjectsV2Input{Bucket: &v.bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err == nil {
				err = checkPage(page.Name != nil, page.IsTruncated, page.NextContinuationToken)
			}
			if err != nil {
				yield(ObjectInfo{}, translateError(ctx, "list objects", err))
				return
			}
			for _, o := range page.Contents {
				if !yield(ObjectInfo{aws.ToString(o.Key), aws.ToInt64(o.Size), aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
		}
	}
}

// Uploads lists the unfinished multipart uploads under a prefix. It ends after an
// error.
func (v *Vault) Uploads(ctx context.Context, prefix string) iter.Seq2[Upload, error] {
	return func(yield func(Upload, error) bool) {
		pages := s3.NewListMultipartUploadsPaginator(v.s3, &s3.ListMultipartUploadsInput{Bucket: &v.bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err == nil {
				err = checkPage(page.Bucket != nil, page.IsTruncated, page.NextKeyMarker)
			}
			if err != nil {
				yield(Upload{}, translateError(ctx, "list uploads", err))
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

// Folders lists the names directly under a folder, such as "exports/", that have an
// object, an object version or an unfinished upload, each once. It ends after an
// error.
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
		for name, err := range v.commonPrefixes(ctx, under) {
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

// LastModified returns the time of the last write under a prefix, including old
// versions and unfinished uploads with their parts, or the zero time if there is
// nothing.
func (v *Vault) LastModified(ctx context.Context, prefix string) (time.Time, error) {
	var last time.Time
	for u, err := range v.Uploads(ctx, prefix) {
		if err != nil {
			return last, err
		}
		if u.StartedAt.After(last) {
			last = u.StartedAt
		}
		part, err := v.lastPart(ctx, u)
		if err != nil {
			return last, err
		}
		if part.After(last) {
			last = part
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

// lastPart returns the time of an upload's last part, or the zero time if it has no
// part or was finished meanwhile.
func (v *Vault) lastPart(ctx context.Context, u Upload) (last time.Time, err error) {
	pages := s3.NewListPartsPaginator(v.s3, &s3.ListPartsInput{Bucket: &v.bucket, Key: &u.Key, UploadId: &u.ID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err == nil {
			err = checkPage(page.Bucket != nil, page.IsTruncated, page.NextPartNumberMarker)
		}
		if err = translateError(ctx, "list parts", err); errors.Is(err, ErrNotFound) {
			return last, nil
		} else if err != nil {
			return last, err
		}
		for _, p := range page.Parts {
			if modified := aws.ToTime(p.LastModified); modified.After(last) {
				last = modified
			}
		}
	}
	return last, nil
}

// folderOf returns the name directly under a folder that key belongs to.
func folderOf(under, key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, under)
	name, _, inside := strings.Cut(rest, "/")
	return name, ok && inside && name != ""
}

// commonPrefixes lists the names under a folder that have objects or versions.
func (v *Vault) commonPrefixes(ctx context.Context, under string) iter.Seq2[string, error] {
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
			if versioningUnsupported(err) {
				break
			}
			if err == nil {
				err = checkPage(true, page.IsTruncated, page.NextKeyMarker)
			}
			if err != nil {
				yield("", translateError(ctx, "list versions", err))
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
			if err == nil {
				err = checkPage(page.Name != nil, page.IsTruncated, page.NextContinuationToken)
			}
			if err != nil {
				yield("", translateError(ctx, "list objects", err))
				return
			}
			if !each(page.CommonPrefixes) {
				return
			}
		}
	}
}
