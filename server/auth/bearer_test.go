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

func TestTokensOfTheHostApplicationAreAccepted(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		got := fx.send(http.MethodGet, "/", bearing(fx.issuer.token(algorithm, fx.issuer.claims(fx.account, fx.admin)))).principal(t)
		require.Equal(t, auth.Principal{Account: fx.account, User: fx.admin, Role: schema.Admin, Method: auth.Bearer}, got)
		require.True(t, got.IsPerson())
	}
	require.EqualValues(t, 1, fx.issuer.fetches.Load(), "known keys are not fetched again")
}

func TestInvalidTokensAreRejected(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	otherKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	but := func(name string, value any) map[string]any {
		claims := maps.Clone(fx.issuer.claims(fx.account, fx.owner))
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
		return claims
	}
	good := fx.issuer.token(jose.RS256, but("nothing", "else"))
	for name, token := range map[string]string{
		"no signature":               fx.issuer.unsigned(but("x", 1)),
		"a signature by HMAC":        fx.issuer.confused(but("x", 1)),
		"another signature":          fx.issuer.sign(jose.RS256, otherKey, "RS256", but("x", 1)),
		"another key":                fx.issuer.sign(jose.RS256, otherKey, "unknown", but("x", 1)),
		"another algorithm":          fx.issuer.sign(jose.RS512, fx.issuer.keys[jose.RS256], "RS256", but("x", 1)),
		"another issuer":             fx.issuer.token(jose.RS256, but("iss", "https://evil.example.com")),
		"no issuer":                  fx.issuer.token(jose.RS256, but("iss", nil)),
		"another audience":           fx.issuer.token(jose.RS256, but("aud", "billing")),
		"no audience":                fx.issuer.token(jose.RS256, but("aud", nil)),
		"run out":                    fx.issuer.token(jose.RS256, but("exp", time.Now().Add(-time.Second).Unix())),
		"no end":                     fx.issuer.token(jose.RS256, but("exp", nil)),
		"not yet":                    fx.issuer.token(jose.RS256, but("nbf", time.Now().Add(time.Hour).Unix())),
		"no account":                 fx.issuer.token(jose.RS256, but("account_sid", nil)),
		"an account of another form": fx.issuer.token(jose.RS256, but("account_sid", "' or true --")),
		"another account":            fx.issuer.token(jose.RS256, but("account_sid", schema.NewAccountID())),
		"no person":                  fx.issuer.token(jose.RS256, but("sub", nil)),
		"a person who is not there":  fx.issuer.token(jose.RS256, but("sub", schema.NewUserID())),
		"a changed claim":            strings.Replace(good, ".", ".e30", 1),
		"not a token":                "owner",
		"nothing":                    "",
	} {
		a := fx.send(http.MethodGet, "/", bearing(token))
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusTooManyRequests}, a.status, "%s: %s", name, a.body)
		fx.pass(time.Minute) // so that it is not for the number of failures
		require.NotContains(t, a.body, fx.owner)
	}
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/").status)
}

func TestAFloodOfUnknownKeysCostsOneFetchInTenSeconds(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	require.Equal(t, http.StatusOK, fx.send(http.MethodGet, "/", bearing(fx.issuer.token(jose.RS256, fx.issuer.claims(fx.account, fx.owner)))).status)
	otherKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	flood := func() {
		for i := range 15 {
			a := fx.send(http.MethodGet, "/", bearing(fx.issuer.sign(jose.RS256, otherKey, strconv.Itoa(i), fx.issuer.claims(fx.account, fx.owner))))
			require.Equal(t, http.StatusUnauthorized, a.status)
		}
	}
	flood()
	require.EqualValues(t, 1, fx.issuer.fetches.Load())
	fx.pass(31 * time.Second)
	flood()
	require.EqualValues(t, 2, fx.issuer.fetches.Load())
}

func TestUnreadableKeysAreUnavailableAndNoFailure(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.issuer.failing.Store(true)
	token := bearing(fx.issuer.token(jose.RS256, fx.issuer.claims(fx.account, fx.owner)))
	for range 30 {
		require.Equal(t, http.StatusServiceUnavailable, fx.send(http.MethodGet, "/", token).status)
	}
	require.EqualValues(t, 1, fx.issuer.fetches.Load())
	fx.issuer.failing.Store(false)
	fx.pass(11 * time.Second)
	// go-oidc returns the result of a fetch for an instant after it has ended.
	require.Eventually(t, func() bool {
		return fx.send(http.MethodGet, "/", token).status == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond, "and it counts as no failure")
}

func TestARoleComesFromTheDirectoryAndNotFromTheToken(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	token := bearing(fx.issuer.token(jose.ES256, fx.issuer.claims(fx.account, fx.admin)))
	require.Equal(t, http.StatusNoContent, fx.send(http.MethodGet, "/exports", token).status)

	fx.exec(`update platform.users set role = 'member' where sid = $1`, fx.admin)
	a := fx.send(http.MethodGet, "/exports", token)
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.body, "owner or admin")

	fx.exec(`update platform.users set role = 'owner' where sid = $1`, fx.admin)
	fx.exec(`update platform.accounts set suspended = true where sid = $1`, fx.account)
	require.Equal(t, http.StatusForbidden, fx.send(http.MethodGet, "/", token).status)

	fx.exec(`update platform.accounts set suspended = false where sid = $1`, fx.account)
	fx.exec(`update platform.users set status = 'deactivated' where sid = $1`, fx.admin)
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", token).status)
}

func TestWithoutAHostApplicationTokensAreRejected(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(o *auth.Options) { o.Host = auth.Host{} })
	a := fx.send(http.MethodGet, "/", bearing(fx.issuer.token(jose.RS256, fx.issuer.claims(fx.account, fx.owner))))
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Zero(t, fx.issuer.fetches.Load())
}
