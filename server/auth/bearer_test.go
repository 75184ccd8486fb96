package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/auth"
)

func TestTheHostApplicationVouchesForItsPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		got := w.send(http.MethodGet, "/", bearing(w.issuer.token(algorithm, w.issuer.claims(w.account, w.admin)))).principal(t)
		require.Equal(t, auth.Principal{Account: w.account, User: w.admin, Role: schema.Admin, Method: auth.Bearer}, got)
		require.True(t, got.IsPerson())
	}
	require.EqualValues(t, 1, w.issuer.fetches.Load(), "known keys are not fetched again")
}

func TestTokensThatAreNotWhatTheySayAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	but := func(name string, value any) map[string]any {
		claims := maps.Clone(w.issuer.claims(w.account, w.owner))
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
		return claims
	}
	good := w.issuer.token(jose.RS256, but("nothing", "else"))
	for name, token := range map[string]string{
		"no signature":               w.issuer.unsigned(but("x", 1)),
		"a signature by HMAC":        w.issuer.confused(but("x", 1)),
		"somebody else's signature":  w.issuer.sign(jose.RS256, stranger, "RS256", but("x", 1)),
		"somebody else's key":        w.issuer.sign(jose.RS256, stranger, "unknown", but("x", 1)),
		"another algorithm":          w.issuer.sign(jose.RS512, w.issuer.keys[jose.RS256], "RS256", but("x", 1)),
		"another issuer":             w.issuer.token(jose.RS256, but("iss", "https://evil.example.com")),
		"no issuer":                  w.issuer.token(jose.RS256, but("iss", nil)),
		"another audience":           w.issuer.token(jose.RS256, but("aud", "billing")),
		"no audience":                w.issuer.token(jose.RS256, but("aud", nil)),
		"run out":                    w.issuer.token(jose.RS256, but("exp", time.Now().Add(-time.Second).Unix())),
		"no end":                     w.issuer.token(jose.RS256, but("exp", nil)),
		"not yet":                    w.issuer.token(jose.RS256, but("nbf", time.Now().Add(time.Hour).Unix())),
		"no account":                 w.issuer.token(jose.RS256, but("account_sid", nil)),
		"an account of another form": w.issuer.token(jose.RS256, but("account_sid", "' or true --")),
		"another account":            w.issuer.token(jose.RS256, but("account_sid", schema.NewAccountID())),
		"no person":                  w.issuer.token(jose.RS256, but("sub", nil)),
		"a person who is not there":  w.issuer.token(jose.RS256, but("sub", schema.NewUserID())),
		"a changed claim":            strings.Replace(good, ".", ".e30", 1),
		"not a token":                "owner",
		"nothing":                    "",
	} {
		a := w.send(http.MethodGet, "/", bearing(token))
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusTooManyRequests}, a.status, "%s: %s", name, a.body)
		w.pass(time.Minute) // so that it is not for the number of failures
		require.NotContains(t, a.body, w.owner)
	}
	require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/").status)
}

func TestAFloodOfUnknownKeysCostsOneFetchInTenSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, http.StatusOK, w.send(http.MethodGet, "/", bearing(w.issuer.token(jose.RS256, w.issuer.claims(w.account, w.owner)))).status)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	flood := func() {
		for i := range 15 {
			a := w.send(http.MethodGet, "/", bearing(w.issuer.sign(jose.RS256, stranger, strconv.Itoa(i), w.issuer.claims(w.account, w.owner))))
			require.Equal(t, http.StatusUnauthorized, a.status)
		}
	}
	flood()
	require.EqualValues(t, 1, w.issuer.fetches.Load())
	w.pass(31 * time.Second)
	flood()
	require.EqualValues(t, 2, w.issuer.fetches.Load())
}

func TestKeysThatCannotBeReadAreNobodysFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.issuer.away.Store(true)
	token := bearing(w.issuer.token(jose.RS256, w.issuer.claims(w.account, w.owner)))
	for range 30 {
		require.Equal(t, http.StatusServiceUnavailable, w.send(http.MethodGet, "/", token).status)
	}
	require.EqualValues(t, 1, w.issuer.fetches.Load())
	w.issuer.away.Store(false)
	w.pass(11 * time.Second)
	// go-oidc hands the end of a fetch out for an instant after it has ended.
	require.Eventually(t, func() bool {
		return w.send(http.MethodGet, "/", token).status == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond, "and it counts as no failure")
}

func TestATokenGivesOnlyWhatTheDirectorySaysNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := bearing(w.issuer.token(jose.ES256, w.issuer.claims(w.account, w.admin)))
	require.Equal(t, http.StatusNoContent, w.send(http.MethodGet, "/exports", token).status)

	w.exec(`update platform.users set role = 'member' where sid = $1`, w.admin)
	a := w.send(http.MethodGet, "/exports", token)
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.body, "owner or admin")

	w.exec(`update platform.users set role = 'owner' where sid = $1`, w.admin)
	w.exec(`update platform.accounts set suspended = true where sid = $1`, w.account)
	require.Equal(t, http.StatusForbidden, w.send(http.MethodGet, "/", token).status)

	w.exec(`update platform.accounts set suspended = false where sid = $1`, w.account)
	w.exec(`update platform.users set status = 'deactivated' where sid = $1`, w.admin)
	require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", token).status)
}

func TestWithoutAHostApplicationNoTokenIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *auth.Options) { o.Host = auth.Host{} })
	a := w.send(http.MethodGet, "/", bearing(w.issuer.token(jose.RS256, w.issuer.claims(w.account, w.owner))))
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Zero(t, w.issuer.fetches.Load())
}
