package vault

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"satchel/schema"
)

// fill stores n tiny objects.
func fill(t *testing.T, v *Vault, prefix string, n int) {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(16)
	for i := range n {
		g.Go(func() error {
			_, err := v.s3.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: &v.bucket, Key: aws.String(fmt.Sprintf("%scalls/%05d-1", prefix, i)), Body: strings.NewReader("x"),
			})
			return err
		})
	}
	require.NoError(t, g.Wait())
}

// beginUpload starts a multipart upload with one part.
func beginUpload(t *testing.T, v *Vault, key string) {
	t.Helper()
	made, err := v.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &v.bucket, Key: &key})
	require.NoError(t, err)
	_, err = v.s3.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: &v.bucket, Key: &key, UploadId: made.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part"),
	})
	require.NoError(t, err)
}

func enableVersioning(t *testing.T, v *Vault) {
	t.Helper()
	_, err := v.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &v.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	require.NoError(t, err)
}

func TestRemoveDeletesOneExportAndNothingElse(t *testing.T) {
	v, w := testVault(t)
	e, other := newExport(t, v), newExport(t, v)
	fill(t, v, e.prefix, 1203)
	fill(t, v, other.prefix, 2)
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.URL.Query().Has("delete") {
			body, err := io.ReadAll(q.Body)
			require.NoError(t, err)
			require.LessOrEqual(t, bytes.Count(body, []byte("<Key>")), 1000, "S3's limit")
			q.Body = io.NopCloser(bytes.NewReader(body))
		}
		return next.RoundTrip(q)
	})
	for i := range 3 {
		beginUpload(t, v, fmt.Sprintf("%sarchive-%d", e.prefix, i))
	}
	beginUpload(t, v, other.prefix+"archive-1")

	removed, err := v.Remove(t.Context(), e.prefix)
	require.NoError(t, err)
	require.Equal(t, schema.Certificate{Objects: 1203, Uploads: 3}, removed)
	require.Empty(t, keys(t, v, e.prefix))
	require.Empty(t, uploads(t, v, e.prefix))
	require.Len(t, keys(t, v, other.prefix), 2)
	require.Len(t, uploads(t, v, other.prefix), 1)

	removed, err = v.Remove(t.Context(), e.prefix)
	require.NoError(t, err)
	require.Zero(t, removed)
}

func TestRemoveDeletesOldVersions(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	fill(t, v, e.prefix, 1) // before versioning
	enableVersioning(t, v)
	fill(t, v, e.prefix, 4)
	fill(t, v, e.prefix, 3)
	_, err := v.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &v.bucket, Key: aws.String(e.prefix + "calls/00001-1")})
	require.NoError(t, err)
	require.Len(t, keys(t, v, e.prefix), 3)

	removed, err := v.Remove(t.Context(), e.prefix)
	require.NoError(t, err)
	require.Equal(t, schema.Certificate{Objects: 3, Versions: 6}, removed)
	for o, err := range v.versions(t.Context(), e.prefix) {
		require.NoError(t, err)
		t.Errorf("%s is still there", o.key)
	}
}

func TestAListingThatIsCutIsNotTakenForTheWhole(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	fill(t, v, e.prefix, 3)
	cut := map[string]string{
		"versions":  "<ListVersionsResult><Name>b</Name><IsTruncated>true</IsTruncated></ListVersionsResult>",
		"list-type": "<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated></ListBucketResult>",
		"uploads":   "<ListMultipartUploadsResult><Bucket>b</Bucket><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>",
	}
	for kind := range cut {
		w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
			if q.Method == http.MethodGet && q.URL.Query().Has(kind) {
				return response(q, http.StatusOK, cut[kind]), nil
			}
			if kind == "list-type" && q.URL.Query().Has("versions") {
				return response(q, http.StatusNotImplemented, "<Error><Code>NotImplemented</Code></Error>"), nil
			}
			return next.RoundTrip(q)
		})
		_, err := v.Remove(t.Context(), e.prefix)
		require.ErrorContains(t, err, "is cut", kind)
		if kind == "list-type" {
			for _, err := range v.KeysAfter(t.Context(), e.prefix, "") {
				require.ErrorContains(t, err, "is cut")
			}
		}
		var failed error
		for _, err := range v.Folders(t.Context(), "exports/") {
			failed = err
		}
		require.ErrorContains(t, failed, "is cut", kind)
	}
}

func TestRemoveWorksWithoutVersioning(t *testing.T) {
	for what, versionsAnswer := range map[string]func(*http.Request) *http.Response{
		"not implemented": func(q *http.Request) *http.Response {
			return response(q, http.StatusNotImplemented, "<Error><Code>NotImplemented</Code></Error>")
		},
		"always empty": func(q *http.Request) *http.Response {
			return response(q, http.StatusOK, "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>")
		},
	} {
		t.Run(what, func(t *testing.T) {
			v, w := testVault(t)
			e := newExport(t, v)
			fill(t, v, e.prefix, 3)
			w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
				if q.URL.Query().Has("versions") {
					return versionsAnswer(q), nil
				}
				return next.RoundTrip(q)
			})
			require.Equal(t, []string{e.id}, exportsIn(t, v))
			removed, err := v.Remove(t.Context(), e.prefix)
			require.NoError(t, err)
			require.Equal(t, schema.Certificate{Objects: 3}, removed)
			require.Empty(t, keys(t, v, ""))
		})
	}
}

func TestRemoveRejectsPrefixesOfMoreThanOneExport(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	fill(t, v, e.prefix, 1)
	for _, prefix := range []string{"", "/", "exports", "exports/", "exports//", "/exports/", "exports/" + e.id, "exports/" + e.id + "/calls", "//"} {
		_, err := v.Remove(t.Context(), prefix)
		require.Error(t, err, prefix)
	}
	require.Len(t, keys(t, v, ""), 1)
}

func TestRemoveFailsIfTheBucketKeepsObjects(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	fill(t, v, e.prefix, 2)
	for want, body := range map[string]string{
		"AccessDenied": `<DeleteResult><Error><Key>` + e.prefix + `calls/00000-1</Key><Code>AccessDenied</Code></Error></DeleteResult>`,
		"still lists":  `<DeleteResult></DeleteResult>`,
	} {
		w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
			if q.URL.Query().Has("delete") {
				return response(q, http.StatusOK, body), nil
			}
			return next.RoundTrip(q)
		})
		_, err := v.Remove(t.Context(), e.prefix)
		require.ErrorContains(t, err, want)
	}
	w.intercept(nil)
	_, err := v.Remove(t.Context(), e.prefix)
	require.NoError(t, err)
}

func TestRemoveIgnoresObjectsThatAreGoneAlready(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	fill(t, v, e.prefix, 2)
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		res, err := next.RoundTrip(q)
		if err != nil || !q.URL.Query().Has("delete") {
			return res, err
		}
		res.Body.Close()
		return response(q, http.StatusOK, `<DeleteResult><Error><Key>`+e.prefix+`calls/00000-1</Key><Code>NoSuchKey</Code></Error>`+
			`<Error><Key>`+e.prefix+`calls/00001-1</Key><Code>NoSuchVersion</Code></Error></DeleteResult>`), nil
	})
	removed, err := v.Remove(t.Context(), e.prefix)
	require.NoError(t, err)
	require.Equal(t, schema.Certificate{Objects: 2}, removed)
}

func TestAnAbortIsRepeatedUntilTheUploadIsGone(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	beginUpload(t, v, e.prefix+"archive")
	aborts := 0
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.Method == http.MethodDelete {
			if aborts++; aborts < 3 { // a part arrives after the abort
				return response(q, http.StatusNoContent, ""), nil
			}
		}
		return next.RoundTrip(q)
	})
	removed, err := v.Remove(t.Context(), e.prefix)
	require.NoError(t, err)
	require.Equal(t, schema.Certificate{Uploads: 1}, removed)
	require.Equal(t, 3, aborts)
	require.Empty(t, uploads(t, v, ""))
}

func exportsIn(t *testing.T, v *Vault) []string {
	t.Helper()
	var ids []string
	for id, err := range v.Folders(t.Context(), schema.ExportsPrefix) {
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

func TestFoldersListsEveryFolderOnce(t *testing.T) {
	v, _ := testVault(t)
	require.Empty(t, exportsIn(t, v))
	enableVersioning(t, v)
	began := time.Now().Add(-time.Second).Truncate(time.Second)
	stored, uploading, both, deleted := newExport(t, v), newExport(t, v), newExport(t, v), newExport(t, v)
	fill(t, v, stored.prefix, 3)
	beginUpload(t, v, uploading.prefix+"archive")
	fill(t, v, both.prefix, 1)
	beginUpload(t, v, both.prefix+"archive")
	fill(t, v, deleted.prefix, 1)
	_, err := v.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &v.bucket, Key: aws.String(deleted.prefix + "calls/00000-1")})
	require.NoError(t, err)
	fill(t, v, "other/"+schema.NewExportID()+"/", 1)
	beginUpload(t, v, schema.ExportsPrefix+"not-in-a-folder")

	require.ElementsMatch(t, []string{stored.id, uploading.id, both.id, deleted.id}, exportsIn(t, v))
	for _, e := range []export{stored, uploading, both, deleted} {
		at, err := v.LastModified(t.Context(), schema.ExportPrefix(e.id))
		require.NoError(t, err)
		require.WithinRange(t, at, began, time.Now().Add(time.Second))
	}
	at, err := v.LastModified(t.Context(), schema.ExportPrefix(schema.NewExportID()))
	require.NoError(t, err)
	require.Zero(t, at)
}

func TestTheLastWriteIncludesUploadsWithoutParts(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	_, err := v.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &v.bucket, Key: aws.String(e.prefix + "archive")})
	require.NoError(t, err)
	at, err := v.LastModified(t.Context(), e.prefix)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)

	// It is completed or aborted between the two requests.
	w.intercept(func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.URL.Query().Has("uploadId") {
			return response(q, http.StatusNotFound, "<Error><Code>NoSuchUpload</Code></Error>"), nil
		}
		return next.RoundTrip(q)
	})
	_, err = v.LastModified(t.Context(), e.prefix)
	require.NoError(t, err)
}

func TestObjectsAreListedInOrder(t *testing.T) {
	v, _ := testVault(t)
	e := newExport(t, v)
	fill(t, v, e.prefix, 1001)
	got := keys(t, v, e.prefix)
	require.Len(t, got, 1001)
	require.IsIncreasing(t, got)
	for o, err := range v.Objects(t.Context(), e.prefix) {
		require.NoError(t, err)
		require.EqualValues(t, 1, o.Size)
		require.WithinDuration(t, time.Now(), o.ModifiedAt, time.Minute)
		break // stopping early must work
	}
}
