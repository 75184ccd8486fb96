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

func TestErrorsSayTheCodeAndNothingOfTheRequest(t *testing.T) {
	c := settings(t)
	good, _ := wiredVault(t, c, time.Minute)
	e := newExport(t, good)

	missing := c
	missing.Bucket = "no-such-bucket-here"
	nowhere := c
	nowhere.Endpoint = "http://127.0.0.1:1"
	vaults := map[string]*Vault{}
	vaults["unreachable"], _ = wiredVault(t, nowhere, time.Minute)
	vaults["NoSuchBucket"], _ = wiredVault(t, missing, time.Minute)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-at-all")
	vaults["SignatureDoesNotMatch"], _ = wiredVault(t, c, time.Minute)

	for what, v := range vaults {
		_, createErr := v.Create(t.Context(), e.prefix+"archive", e.recipient, writing(noise(partSize+1)))
		_, getErr := v.Get(t.Context(), e.prefix+"calls/1-1", e.identity, nil)
		_, removeErr := v.Remove(t.Context(), e.prefix)
		for op, err := range map[string]error{
			"put": v.Put(t.Context(), e.prefix+"calls/1-1", e.recipient, nil), "create": createErr, "get": getErr, "remove": removeErr,
			"check": v.Check(t.Context()),
		} {
			require.Error(t, err, "%s %s", what, op)
			text := err.Error()
			told := toldOf(err)
			for _, inside := range []string{"/", e.prefix, missing.Bucket, c.Bucket, "127.0.0.1"} {
				require.NotContains(t, told, inside, "%s %s", what, op)
			}
			if op == "put" && what != "unreachable" {
				require.Contains(t, told, "vault: put: "+what, op)
			}
			for _, secret := range []string{"://", "Signature=", "X-Amz", "not-the-secret", "Credential"} {
				require.NotContains(t, text, secret, "%s %s", what, op)
			}
			switch {
			case what == "unreachable":
				require.Equal(t, schema.Unavailable, schema.KindOf(err))
				require.Contains(t, text, "connection refused")
			case op == "check": // an answer to HEAD has no body to say more
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

// toldOf is what anybody may read of an error of this package, "" of any other.
func toldOf(err error) string {
	if e, ok := errors.AsType[interface {
		error
		Told() string
	}](err); ok {
		return e.Told()
	}
	return ""
}

func TestWhatIsToldOfAnErrorIsOurs(t *testing.T) {
	for want, err := range map[string]error{
		"vault: get: AccessDenied, HTTP 403":                                fmt.Errorf("of ada@example.com: %w", &callError{op: "get", code: "AccessDenied, HTTP 403", cause: errors.New("ada@example.com")}),
		"vault: put: the object is there already":                           &callError{op: "put", cause: ErrExists},
		"vault: create did not succeed; the worker's log says why":          &callError{op: "create", cause: errors.New("ada@example.com")},
		"vault: the seal does not open: wrong key, wrong place, or altered": fmt.Errorf("ada@example.com: %w", ErrUnreadable),
		"": errors.New("ada@example.com"),
	} {
		require.Equal(t, want, toldOf(err))
	}
}

func TestWithoutCredentialsTheErrorSaysSo(t *testing.T) {
	c := settings(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("HOME", t.TempDir())
	v, _ := wiredVault(t, c, time.Minute)
	err := v.Check(t.Context())
	require.ErrorContains(t, err, "credentials")
	require.NotContains(t, err.Error(), "://")
}

func TestAnAnswerThatIsNotS3sIsAnError(t *testing.T) {
	v, w := testVault(t)
	e := newExport(t, v)
	w.answering(func(q *http.Request, _ http.RoundTripper) (*http.Response, error) {
		return answer(q, http.StatusOK, strings.Repeat("<html>sign in to the network</html>", 10)), nil
	})
	_, err := v.Get(t.Context(), e.prefix+"calls/1-1", e.identity, nil)
	require.ErrorIs(t, err, ErrUnreadable)
	_, err = v.Remove(t.Context(), e.prefix)
	require.Error(t, err)
}
