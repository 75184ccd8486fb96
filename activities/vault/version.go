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

// version is one thing that a delete can remove: an object as it is now, what
// it was before, or the mark of an earlier delete.
type version struct {
	key        string
	id         *string // nil where the server knows no versions
	current    bool    // an object as it is now
	modifiedAt time.Time
}

// versions lists everything under a prefix that a delete can remove. A server
// that knows no versions, or never heard of them and lists none, is asked for
// its objects. After an error it ends.
func (v *Vault) versions(ctx context.Context, prefix string) iter.Seq2[version, error] {
	return func(yield func(version, error) bool) {
		found := false
		pages := s3.NewListObjectVersionsPaginator(v.s3, &s3.ListObjectVersionsInput{Bucket: &v.bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if knowsNoVersions(err) {
				break
			}
			if err != nil {
				yield(version{}, failed(ctx, "list versions", err))
				return
			}
			for _, o := range page.Versions {
				found = true
				if !yield(version{aws.ToString(o.Key), o.VersionId, aws.ToBool(o.IsLatest), aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
			for _, m := range page.DeleteMarkers {
				found = true
				if !yield(version{aws.ToString(m.Key), m.VersionId, false, aws.ToTime(m.LastModified)}, nil) {
					return
				}
			}
		}
		if found {
			return
		}
		for o, err := range v.Keys(ctx, prefix) {
			if !yield(version{key: o.Key, current: true, modifiedAt: o.ModifiedAt}, err) {
				return
			}
		}
	}
}

func knowsNoVersions(err error) bool {
	status := statusOf(err)
	api, ok := errors.AsType[smithy.APIError](err)
	return status == http.StatusNotImplemented || status == http.StatusMethodNotAllowed || ok && api.ErrorCode() == "NotImplemented"
}
