package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/auth"
)

func TestProgramsComeInWithTheirSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, auth.Principal{Account: w.account, Role: schema.Owner, Method: auth.Basic, Credential: w.account},
		w.send(http.MethodGet, "/", knowing(w.account, w.token)).principal(t))
	got := w.send(http.MethodGet, "/", knowing(w.key, w.secret)).principal(t)
	require.Equal(t, auth.Principal{Account: w.account, User: w.owner, Role: schema.Owner, Method: auth.Basic, Credential: w.key}, got)
	require.False(t, got.IsPerson())
}

func TestAnAPIKeyMayDoWhatItsPersonMayNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`update platform.users set role = 'member' where sid = $1`, w.owner)
	require.Equal(t, http.StatusForbidden, w.send(http.MethodGet, "/exports", knowing(w.key, w.secret)).status)
	w.exec(`update platform.api_keys set revoked_at = now() where sid = $1`, w.key)
	require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", knowing(w.key, w.secret)).status)
	w.exec(`update platform.accounts set suspended = true where sid = $1`, w.account)
	require.Equal(t, http.StatusForbidden, w.send(http.MethodGet, "/", knowing(w.account, w.token)).status)
	require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", knowing(w.account, "a guess")).status, "only those who know the secret hear of it")
}

func TestUnknownNamesAndWrongSecretsGetTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong := w.send(http.MethodGet, "/", knowing(w.account, "a guess"))
	require.Equal(t, http.StatusUnauthorized, wrong.status)
	for _, name := range []string{schema.NewAccountID(), schema.NewAPIKeyID(), "", "ada", "AC' or true --", "AC\x00"} {
		got := w.send(http.MethodGet, "/", knowing(name, w.token))
		require.Equal(t, wrong.status, got.status, name)
		require.Equal(t, wrong.body, got.body, name)
	}
	zeros := string(make([]byte, 32))
	require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", knowing(schema.NewAccountID(), zeros)).status)
}

func TestGuessingIsSlowAndLocksNobodyOutWhoKnowsTheSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	right, guess := knowing(w.account, w.token), knowing(w.account, "a guess")
	require.Equal(t, http.StatusOK, w.send(http.MethodGet, "/", right).status)
	tries := 0
	for w.send(http.MethodGet, "/", guess).status == http.StatusUnauthorized {
		tries++
		require.Less(t, tries, 100)
	}
	require.Equal(t, 20, tries, "from one address")
	require.Equal(t, http.StatusTooManyRequests, w.send(http.MethodGet, "/", right).status, "the address has to wait")
	w.pass(2 * time.Second)
	require.Equal(t, http.StatusOK, w.send(http.MethodGet, "/", right).status, "the name is known to come from here")

	w = newWorld(t)
	right, guess = knowing(w.account, w.token), knowing(w.account, "a guess")
	for range 10 {
		require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", guess).status)
	}
	require.Equal(t, http.StatusTooManyRequests, w.send(http.MethodGet, "/", guess).status, "with one name")
	require.Equal(t, http.StatusTooManyRequests, w.send(http.MethodGet, "/", right).status, "a guess that is right is not told from the others")
	w.pass(time.Minute)
	require.Equal(t, http.StatusOK, w.send(http.MethodGet, "/", right).status)
}

func TestOtherSchemesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, header := range []string{"Digest x", "Basic", "Basic !!!", "Bearer", "x"} {
		a := w.send(http.MethodGet, "/", func(r *http.Request) { r.Header.Set("Authorization", header) })
		require.Equal(t, http.StatusUnauthorized, a.status, header)
	}
}

func TestNamesThatNoCredentialHasAreCountedByTheirAddressAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"ada", strings.Repeat("x", 20_000)} {
		for range 15 { // more than one credential may be tried
			require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", knowing(name, "a guess")).status)
		}
		w.pass(time.Minute)
	}
	for range 20 {
		require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", knowing("ada", "a guess")).status)
	}
	require.Equal(t, http.StatusTooManyRequests, w.send(http.MethodGet, "/", knowing("ada", "a guess")).status)
}
