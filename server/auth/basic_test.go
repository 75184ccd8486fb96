package auth_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/auth"
)

func TestProgramsAuthenticateWithTheirSecrets(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	require.Equal(t, auth.Principal{Account: fx.account, Role: schema.Owner, Method: auth.Basic, Credential: fx.account},
		fx.send(http.MethodGet, "/", knowing(fx.account, fx.token)).principal(t))
	got := fx.send(http.MethodGet, "/", knowing(fx.key, fx.secret)).principal(t)
	require.Equal(t, auth.Principal{Account: fx.account, User: fx.owner, Role: schema.Owner, Method: auth.Basic, Credential: fx.key}, got)
	require.False(t, got.IsPerson())
}

func TestAnAPIKeyMayDoWhatItsPersonMayNow(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.exec(`update platform.users set role = 'member' where sid = $1`, fx.owner)
	require.Equal(t, http.StatusForbidden, fx.send(http.MethodGet, "/exports", knowing(fx.key, fx.secret)).status)
	fx.exec(`update platform.api_keys set revoked_at = now() where sid = $1`, fx.key)
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", knowing(fx.key, fx.secret)).status)
	fx.exec(`update platform.accounts set suspended = true where sid = $1`, fx.account)
	require.Equal(t, http.StatusForbidden, fx.send(http.MethodGet, "/", knowing(fx.account, fx.token)).status)
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", knowing(fx.account, "a guess")).status, "only with the right secret the answer says so")
}

func TestUnknownNamesAndWrongSecretsGetTheSameAnswer(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	wrong := fx.send(http.MethodGet, "/", knowing(fx.account, "a guess"))
	require.Equal(t, http.StatusUnauthorized, wrong.status)
	for _, name := range []string{schema.NewAccountID(), schema.NewAPIKeyID(), "", "ada", "AC' or true --", "AC\x00"} {
		got := fx.send(http.MethodGet, "/", knowing(name, fx.token))
		require.Equal(t, wrong.status, got.status, name)
		require.Equal(t, wrong.body, got.body, name)
	}
	zeros := string(make([]byte, 32))
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", knowing(schema.NewAccountID(), zeros)).status)
}

func TestARightSecretGetsInWhateverWasTriedBefore(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	guess := knowing(fx.account, "a guess")
	tries := 0
	for fx.send(http.MethodGet, "/", guess).status == http.StatusUnauthorized {
		tries++
		require.Less(t, tries, 100)
	}
	require.Equal(t, 20, tries, "from one address")
	for range 30 { // and the guessing goes on
		require.Equal(t, http.StatusTooManyRequests, fx.send(http.MethodGet, "/", guess).status)
		require.Equal(t, http.StatusOK, fx.send(http.MethodGet, "/", knowing(fx.account, fx.token)).status, "with the same name, from the same address")
		require.Equal(t, http.StatusOK, fx.send(http.MethodGet, "/", knowing(fx.key, fx.secret)).status)
	}
	jwt := fx.issuer.token(jose.RS256, fx.issuer.claims(fx.account, fx.owner))
	require.Equal(t, http.StatusOK, fx.send(http.MethodGet, "/", bearing(jwt)).status)
	browser := fx.browser()
	require.Equal(t, http.StatusNoContent, fx.do(browser, http.MethodPost, auth.SessionPath, bearing(jwt)).status)
	require.Equal(t, http.StatusOK, fx.do(browser, http.MethodGet, "/").status)
	require.Equal(t, http.StatusTooManyRequests, fx.send(http.MethodPost, auth.SessionPath, bearing("x")).status)
}

func TestWhatWasRightOnceIsNoGuess(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	claims := fx.issuer.claims(fx.account, fx.owner)
	claims["exp"] = fx.clock().Add(-time.Hour).Unix()
	expired := bearing(fx.issuer.token(jose.RS256, claims))
	gone := bearing(fx.issuer.token(jose.RS256, fx.issuer.claims(fx.account, schema.NewUserID())))
	for range 50 {
		require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", expired).status)
		require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", gone).status)
		require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodPost, auth.SessionPath, expired).status)
	}
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", knowing(fx.account, "a guess")).status, "the first guess")
}

func TestOtherSchemesAreRejected(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for _, header := range []string{"Digest x", "Basic", "Basic !!!", "Bearer", "x"} {
		a := fx.send(http.MethodGet, "/", func(r *http.Request) { r.Header.Set("Authorization", header) })
		require.Equal(t, http.StatusUnauthorized, a.status, header)
	}
}

func TestGuessesWithAnyNameAreCountedByAddress(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	for i := range 20 {
		name := []string{"ada", strings.Repeat("x", 20_000), fx.account, fx.key}[i%4]
		require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", knowing(name, "a guess")).status)
	}
	require.Equal(t, http.StatusTooManyRequests, fx.send(http.MethodGet, "/", knowing("ada", "a guess")).status)
	fx.pass(time.Second)
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", knowing("ada", "a guess")).status)
}

// slowDirectory counts how many ask it for a credential at once.
type slowDirectory struct {
	auth.Directory
	now, most *atomic.Int64
}

func (d slowDirectory) Credential(ctx context.Context, name string) (schema.Credential, error) {
	now := d.now.Add(1)
	defer d.now.Add(-1)
	for most := d.most.Load(); now > most && !d.most.CompareAndSwap(most, now); most = d.most.Load() {
	}
	time.Sleep(10 * time.Millisecond)
	return d.Directory.Credential(ctx, name)
}

func TestAFloodOfGuessesFromOneAddressTakesFewOfTheDirectorysConnections(t *testing.T) {
	t.Parallel()
	slow := slowDirectory{now: new(atomic.Int64), most: new(atomic.Int64)}
	fx := newFixture(t, func(o *auth.Options) {
		slow.Directory = o.Directory
		o.Directory = slow
	})
	for fx.send(http.MethodGet, "/", knowing(fx.key, "a guess")).status == http.StatusUnauthorized {
	}
	slow.most.Store(0)
	var flood sync.WaitGroup
	for range 40 {
		flood.Go(func() { fx.send(http.MethodGet, "/", knowing(fx.key, "a guess")) })
	}
	flood.Go(func() {
		if status := fx.send(http.MethodGet, "/", knowing(fx.key, fx.secret)).status; status != http.StatusOK {
			t.Errorf("a right secret gets in all the same, and not %d", status)
		}
	})
	flood.Wait()
	require.LessOrEqual(t, slow.most.Load(), int64(2))
}
