package vault

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go"
)

// objectVersion is anything that a delete can remove: a current object, an older
// version, or a delete marker.
type objectVersion struct {
	key        string
	id         *string // nil if the server does not support versioning
	current    bool    // the latest version of an object
	modifiedAt time.Time
}

// versions lists everything under a prefix that a delete can remove. If the server
// does not support versioning, or lists no versions, it lists the objects. It ends
// after an error.
func (v *Vault) versions(ctx context.Context, prefix string) iter.Seq2[objectVersion, error] {
	return func(yield func(objectVersion, error) bool) {
		found := false
		pages := s3.NewListObjectVersionsPaginator(v.s3, &s3.ListObjectVersionsInput{Bucket: &v.bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if versioningUnsupported(err) {
				break
			}
			if err == nil {
				err = checkPage(true, page.IsTruncated, page.NextKeyMarker)
			}
			if err != nil {
				yield(objectVersion{}, translateError(ctx, "list versions", err))
				return
			}
			for _, o := range page.Versions {
				found = true
				if !yield(objectVersion{aws.ToString(o.Key), o.VersionId, aws.ToBool(o.IsLatest), aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
			for _, m := range page.DeleteMarkers {
				found = true
				if !yield(objectVersion{aws.ToString(m.Key), m.VersionId, false, aws.ToTime(m.LastModified)}, nil) {
					return
				}
			}
		}
		if found {
			return
		}
		for o, err := range v.Objects(ctx, prefix) {
			if !yield(objectVersion{key: o.Key, current: true, modifiedAt: o.ModifiedAt}, err) {
				return
			}
		}
	}
}

func versioningUnsupported(err error) bool {
	status := statusOf(err)
	api, ok := errors.AsType[smithy.APIError](err)
	return status == http.StatusNotImplemented || status == http.StatusMethodNotAllowed || ok && api.ErrorCode() == "NotImplemented"
}
