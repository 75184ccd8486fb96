package vault

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// refusalIn returns the Refusal of an error of this package.
func refusalIn(t *testing.T, err error) string {
	t.Helper()
	refused, ok := errors.AsType[interface {
		error
		Refusal() string
	}](err)
	require.True(t, ok, "%v", err)
	return refused.Refusal()
}

func TestTheCheckOfWritingLeavesNothingBehind(t *testing.T) {
	v, _ := testVault(t)
	require.NoError(t, v.CheckWrite(t.Context()))
	require.NoError(t, v.Check(t.Context()))
	require.Empty(t, keys(t, v, ""))
}

// denial answers requests of a method like a bucket policy or a lesser server would.
func denial(method string, status int, code string) func(*http.Request, http.RoundTripper) (*http.Response, error) {
	return func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
		if q.Method != method {
			return next.RoundTrip(q)
		}
		return response(q, status, "<Error><Code>"+code+"</Code><Message>seekrit</Message></Error>"), nil
	}
}

func TestWhatWritingNeedsIsCheckedAndNamed(t *testing.T) {
	v, w := testVault(t)
	for name, c := range map[string]struct {
		intercept func(*http.Request, http.RoundTripper) (*http.Response, error)
		want      []string
	}{
		"a policy denies PUT":      {denial(http.MethodPut, http.StatusForbidden, "AccessDenied"), []string{"store objects", "S3_BUCKET", "AWS_ACCESS_KEY_ID"}},
		"a policy denies GET":      {denial(http.MethodGet, http.StatusForbidden, "AccessDenied"), []string{"read objects", "S3_BUCKET"}},
		"a policy denies deleting": {denial(http.MethodPost, http.StatusForbidden, "AccessDenied"), []string{"delete objects", "S3_BUCKET"}},
		"no conditional writes":    {denial(http.MethodPut, http.StatusNotImplemented, "NotImplemented"), []string{"S3_ENDPOINT", "If-None-Match"}},
		"the condition is ignored": {func(q *http.Request, next http.RoundTripper) (*http.Response, error) {
			if q.Method == http.MethodPut {
				return response(q, http.StatusOK, ""), nil
			}
			if q.Method == http.MethodGet && q.URL.RawQuery == "x-id=GetObject" {
				return response(q, http.StatusOK, "ready"), nil
			}
			return next.RoundTrip(q)
		}, []string{"S3_ENDPOINT", "If-None-Match"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.intercept(c.intercept)
			defer w.intercept(nil)
			err := v.CheckWrite(t.Context())
			require.Error(t, err)
			for _, part := range c.want {
				require.Contains(t, refusalIn(t, err), part)
			}
			require.NotContains(t, err.Error(), "seekrit")
		})
	}
}

func TestWrongSettingsOfStorageAreNamed(t *testing.T) {
	c := testConfig(t)
	missing := c
	missing.Bucket = "no-such-bucket-here"
	v, _ := interceptedVault(t, missing, time.Minute)
	require.Contains(t, refusalIn(t, v.Check(t.Context())), "S3_BUCKET")
	require.Contains(t, refusalIn(t, v.CheckWrite(t.Context())), "S3_BUCKET")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-at-all")
	v, _ = interceptedVault(t, c, time.Minute)
	require.Contains(t, refusalIn(t, v.Check(t.Context())), "AWS_SECRET_ACCESS_KEY")
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
	v, _ = interceptedVault(t, c, time.Minute)
	require.Contains(t, refusalIn(t, v.Check(t.Context())), "AWS_ACCESS_KEY_ID")
}
