package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestErrorsContainTheCodeAndNothingOfTheRequest(t *testing.T) {
	c := testConfig(t)
	good, _ := interceptedVault(t, c, time.Minute)
	e := newExport(t, good)

	missing := c
	missing.Bucket = "no-such-bucket-here"
	unreachable := c
	unreachable.Endpoint = "http://127.0.0.1:1"
	vaults := map[string]*Vault{}
	vaults["unreachable"], _ = interceptedVault(t, unreachable, time.Minute)
	vaults["NoSuchBucket"], _ = interceptedVault(t, missing, time.Minute)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-at-all")
	vaults["SignatureDoesNotMatch"], _ = interceptedVault(t, c, time.Minute)

	for what, v := range vaults {
		_, createErr := v.Create(t.Context(), e.prefix+"archive", e.recipient, writeAll(randomBytes(partSize+1)))
		_, getErr := v.Get(t.Context(), e.prefix+"calls/1-1", e.identity, nil)
		_, removeErr := v.Remove(t.Context(), e.prefix)
		for op, err := range map[string]error{
			"put": v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, nil), "create": createErr, "get": getErr, "remove": removeErr,
			"check": v.Check(t.Context()),
		} {
			require.Error(t, err, "%s %s", what, op)
			text := err.Error()
			safe := safeMessageOf(err)
			for _, forbidden := range []string{"/", e.prefix, missing.Bucket, c.Bucket, "127.0.0.1"} {
				require.NotContains(t, safe, forbidden, "%s %s", what, op)
			}
			if op == "put" && what != "unreachable" {
				require.Contains(t, safe, "vault: put: "+what, op)
			}
			for _, secret := range []string{"://", "Signature=", "X-Amz", "not-the-secret", "Credential"} {
				require.NotContains(t, text, secret, "%s %s", what, op)
			}
			switch what {
			case "unreachable":
				require.Equal(t, schema.Unavailable, schema.KindOf(err))
				require.Contains(t, text, "connection refused")
			default:
				require.Empty(t, schema.KindOf(err))
				require.Contains(t, text, what)
				require.NotErrorIs(t, err, ErrNotFound, "a missing bucket is not a missing object")
			}
		}
	}
	require.NoError(t, good.Check(t.Context()))
}

// safeMessageOf returns the SafeMessage of an error of this package, "" for any other.
func safeMessageOf(err error) string {
	if e, ok := errors.AsType[interface {
		error
		SafeMessage() string
	}](err); ok {
		return e.SafeMessage()
	}
	return ""
}

func TestSafeMessagesHoldOnlyOurOwnText(t *testing.T) {
	for want, err := range map[string]error{
		"vault: get: AccessDenied, HTTP 403":                              fmt.Errorf("of ada@example.com: %w", &callError{op: "get", code: "AccessDenied, HTTP 403", cause: errors.New("ada@example.com")}),
		"vault: put: the object already exists":                           &callError{op: "put", cause: ErrExists},
		"vault: create failed; see the worker's log":                      &callError{op: "create", cause: errors.New("ada@example.com")},
		"vault: cannot be decrypted: wrong key, wrong object, or altered": fmt.Errorf("ada@example.com: %w", ErrUnreadable),
		"": errors.New("ada@example.com"),
	} {
		require.Equal(t, want, safeMessageOf(err))
	}
}

func TestErrorCodesAreClassified(t *testing.T) {
	for name, c := range map[string]struct {
		status    int
		code      string
		temporary bool
		notFound  bool
		refusal   string // of which this is a part
	}{
		"server error":    {http.StatusInternalServerError, "InternalError", true, false, ""},
		"bad gateway":     {http.StatusBadGateway, "BadGateway", true, false, ""},
		"too many":        {http.StatusTooManyRequests, "TooManyRequests", true, false, ""},
		"conflict":        {http.StatusConflict, "ConditionalRequestConflict", true, false, ""},
		"other conflict":  {http.StatusConflict, "OperationAborted", true, false, ""},
		"slow request":    {http.StatusBadRequest, "RequestTimeout", true, false, ""},
		"throttled":       {http.StatusBadRequest, "ThrottlingException", true, false, ""},
		"bad request":     {http.StatusBadRequest, "InvalidArgument", false, false, ""},
		"denied":          {http.StatusForbidden, "AccessDenied", false, false, "S3_BUCKET"},
		"existing object": {http.StatusPreconditionFailed, "PreconditionFailed", false, false, ""},
		"no object":       {http.StatusNotFound, "NoSuchKey", false, true, ""},
		"no upload":       {http.StatusNotFound, "NoSuchUpload", false, true, ""},
		"no service":      {http.StatusNotFound, "NoSuchService", false, false, ""},
		"no bucket":       {http.StatusNotFound, "NoSuchBucket", false, false, "S3_BUCKET"},
		"unknown key":     {http.StatusForbidden, "InvalidAccessKeyId", false, false, "AWS_ACCESS_KEY_ID"},
		"wrong secret":    {http.StatusForbidden, "SignatureDoesNotMatch", false, false, "AWS_SECRET_ACCESS_KEY"},
		"expired token":   {http.StatusBadRequest, "ExpiredToken", false, false, "AWS_ACCESS_KEY_ID"},
		"other region":    {http.StatusMovedPermanently, "PermanentRedirect", false, false, "AWS_REGION"},
		"clock":           {http.StatusForbidden, "RequestTimeTooSkewed", false, false, "clock"},
		"HEAD":            {http.StatusForbidden, "Forbidden", false, false, "S3_BUCKET"},
		"not implemented": {http.StatusNotImplemented, "NotImplemented", false, false, "If-None-Match"},
		"only a status":   {http.StatusNotImplemented, "Unknown", false, false, "S3_ENDPOINT"},
		"KMS denies":      {http.StatusBadRequest, "AccessDeniedException", false, false, "KMS_KEY_URI"},
		"KMS key is gone": {http.StatusBadRequest, "NotFoundException", false, false, "KMS_KEY_URI"},
		"KMS is busy":     {http.StatusBadRequest, "ThrottlingException", true, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := translateError(t.Context(), "get", &smithyhttp.ResponseError{
				Response: &smithyhttp.Response{Response: &http.Response{StatusCode: c.status}},
				Err:      &smithy.GenericAPIError{Code: c.code, Message: "not-for-the-log"},
			})
			require.NotContains(t, err.Error(), "not-for-the-log")
			require.Contains(t, err.Error(), fmt.Sprintf("vault: get: %s", map[bool]string{true: ErrNotFound.Error(), false: c.code}[c.notFound]))
			require.Equal(t, c.notFound, errors.Is(err, ErrNotFound))
			require.Equal(t, c.temporary, schema.KindOf(err) == schema.Unavailable, "%v", err)
			refused, ok := errors.AsType[interface {
				error
				Refusal() string
			}](err)
			require.True(t, ok)
			require.Equal(t, c.refusal != "", refused.Refusal() != "")
			require.Contains(t, refused.Refusal(), c.refusal)
			if known, ok := errors.AsType[*schema.Error](err); ok {
				require.Equal(t, 10*time.Second, known.RetryAfter)
				require.NotContains(t, known.Message, c.code)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := translateError(ctx, "get", errTest)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, schema.KindOf(err), "a cancelled context does not mean that storage is unavailable")
	require.NoError(t, translateError(ctx, "get", nil))
}

func TestURLsAreRemovedFromTheSDKsErrors(t *testing.T) {
	err := translateError(t.Context(), "get", errors.New(`resolve "https://u:hidden@bucket.example/key?X-Amz-Signature=hidden": no such endpoint`))
	require.EqualError(t, err, `vault: get: resolve "…": no such endpoint`)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	w.intercept(func(q *http.Request, _ http.RoundTripper) (*http.Response, error) {
		if q.URL.Host == "elsewhere.example" {
			t.Error("the redirect was followed")
		}
		res := response(q, http.StatusTemporaryRedirect, "")
		res.Header.Set("Location", "http://elsewhere.example/")
		return res, nil
	})
	require.Error(t, v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, nil))
	_, err := v.Get(t.Context(), e.prefix+"calls/1-1", e.identity, nil)
	require.Error(t, err)
	_, err = v.Remove(t.Context(), e.prefix)
	require.Error(t, err)
}

func TestMissingCredentialsAreNamed(t *testing.T) {
	c := testConfig(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("HOME", t.TempDir())
	v, _ := interceptedVault(t, c, time.Minute)
	err := v.Check(t.Context())
	require.ErrorContains(t, err, "credentials")
	require.NotContains(t, err.Error(), "://")
}

func TestAResponseThatIsNotFromS3IsAnError(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	w.intercept(func(q *http.Request, _ http.RoundTripper) (*http.Response, error) {
		return response(q, http.StatusOK, strings.Repeat("<html>sign in to the network</html>", 10)), nil
	})
	_, err := v.Get(t.Context(), e.prefix+"calls/1-1", e.identity, nil)
	require.ErrorIs(t, err, ErrUnreadable)
	_, err = v.Remove(t.Context(), e.prefix)
	require.Error(t, err)
	listings := 0
	for _, err := range v.Objects(t.Context(), e.prefix) {
		require.ErrorContains(t, err, errNotS3.Error())
		listings++
	}
	require.Equal(t, 1, listings, "not an empty list")
	listings = 0
	for _, err := range v.Uploads(t.Context(), e.prefix) {
		require.ErrorContains(t, err, errNotS3.Error())
		listings++
	}
	require.Equal(t, 1, listings)
	listings = 0
	for _, err := range v.Folders(t.Context(), schema.ExportsPrefix) {
		require.ErrorContains(t, err, errNotS3.Error())
		listings++
	}
	require.Equal(t, 1, listings)
}
