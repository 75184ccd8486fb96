package vault

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestErrorsNameTheCodeAndNothingOfTheRequest(t *testing.T) {
	c := testConfig(t)
	good, _ := interceptedVault(t, c, time.Minute)
	e := newExport(t, good)

	missing := c
	missing.Bucket = "no-such-bucket-here"
	nowhere := c
	nowhere.Endpoint = "http://127.0.0.1:1"
	vaults := map[string]*Vault{}
	vaults["unreachable"], _ = interceptedVault(t, nowhere, time.Minute)
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
			for _, inside := range []string{"/", e.prefix, missing.Bucket, c.Bucket, "127.0.0.1"} {
				require.NotContains(t, safe, inside, "%s %s", what, op)
			}
			if op == "put" && what != "unreachable" {
				require.Contains(t, safe, "vault: put: "+what, op)
			}
			for _, secret := range []string{"://", "Signature=", "X-Amz", "not-the-secret", "Credential"} {
				require.NotContains(t, text, secret, "%s %s", what, op)
			}
			switch {
			case what == "unreachable":
				require.Equal(t, schema.Unavailable, schema.KindOf(err))
				require.Contains(t, text, "connection refused")
			case op == "check": // a response to HEAD has no body with the code
				require.Error(t, err)
			default:
				require.Empty(t, schema.KindOf(err))
				require.Contains(t, text, what)
				require.NotErrorIs(t, err, ErrNotFound, "a missing bucket is not a missing object")
			}
		}
	}
	require.NoError(t, good.Check(t.Context()))
	require.ErrorContains(t, vaults["NoSuchBucket"].Check(t.Context()), "there is no bucket")
}

// safeMessageOf returns the Told text of an error of this package, "" for any other.
func safeMessageOf(err error) string {
	if e, ok := errors.AsType[interface {
		error
		Told() string
	}](err); ok {
		return e.Told()
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
}
