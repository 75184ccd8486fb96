package auth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/server/auth"
)

// signIn exchanges a token for a session in a browser.
func (fx *fixture) signIn(browser *http.Client, user string) response {
	fx.t.Helper()
	a := fx.do(browser, http.MethodPost, "/session", bearing(fx.issuer.token(jose.EdDSA, fx.issuer.claims(fx.account, user))))
	require.Equal(fx.t, http.StatusNoContent, a.status, a.body)
	return a
}

func TestATokenIsExchangedForASession(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	browser := fx.browser()
	cookie := fx.signIn(browser, fx.admin).cookies[0]
	require.True(t, cookie.HttpOnly)
	require.False(t, cookie.Secure, "over plain HTTP, on one machine")
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.Equal(t, "/", cookie.Path)
	require.Zero(t, cookie.MaxAge, "it ends with the browser, too")
	require.Equal(t, auth.Principal{Account: fx.account, User: fx.admin, Role: schema.Admin, Method: auth.Session},
		fx.do(browser, http.MethodGet, "/").principal(t))

	require.Equal(t, http.StatusNoContent, fx.do(browser, http.MethodDelete, "/session").status)
	require.Equal(t, http.StatusUnauthorized, fx.do(browser, http.MethodGet, "/").status)
	again := fx.send(http.MethodGet, "/", func(r *http.Request) { r.AddCookie(cookie) })
	require.Equal(t, http.StatusUnauthorized, again.status, "a copy of the cookie is worth nothing")
}

func TestOverTLSTheCookieIsBoundToTheHost(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, func(o *auth.Options) { o.Site = "https://export.example.com/data" })
	cookie := fx.signIn(fx.browser(), fx.owner).cookies[0]
	require.Equal(t, "__Host-satchel_session", cookie.Name)
	require.True(t, cookie.Secure)
	require.Equal(t, "/", cookie.Path)
	require.Empty(t, cookie.Domain)
}

func TestTheHostApplicationsPageCanPostAToken(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	browser := fx.browser()
	token := fx.issuer.token(jose.RS256, fx.issuer.claims(fx.account, fx.owner))
	a := fx.do(browser, http.MethodPost, "/session", form(url.Values{"token": {token}, "return": {"/confirm/abc"}}))
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.Equal(t, "/confirm/abc", a.header.Get("Location"))
	require.Equal(t, fx.owner, fx.do(browser, http.MethodGet, "/").principal(t).User)

	a = fx.do(browser, http.MethodPost, "/session", form(url.Values{"token": {"a guess"}}))
	require.Equal(t, http.StatusUnauthorized, a.status)
}

func TestOnlyHashesOfSessionsAreKept(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	token := fx.signIn(fx.browser(), fx.owner).cookies[0].Value
	var kept []string
	require.NoError(t, fx.rows.Select(&kept, `select token from satchel.sessions`))
	sum := sha256.Sum256([]byte(token))
	require.Equal(t, []string{base64.RawURLEncoding.EncodeToString(sum[:])}, kept)
}

func TestASessionIsNewAtEverySignIn(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	// An attacker's own session, planted in another browser.
	attacker := fx.signIn(fx.browser(), fx.member).cookies[0]
	browser := fx.browser()
	at, err := url.Parse(fx.url)
	require.NoError(t, err)
	browser.Jar.SetCookies(at, []*http.Cookie{attacker})
	mine := fx.signIn(browser, fx.owner).cookies[0]
	require.NotEqual(t, attacker.Value, mine.Value)
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", func(r *http.Request) { r.AddCookie(attacker) }).status,
		"the planted session is over, and has not become the new one")

	// A made-up token is no session, and does not become one.
	made := &http.Cookie{Name: mine.Name, Value: "chosen-by-the-client"}
	browser = fx.browser()
	browser.Jar.SetCookies(at, []*http.Cookie{made})
	require.NotEqual(t, made.Value, fx.signIn(browser, fx.owner).cookies[0].Value)
	require.Equal(t, http.StatusUnauthorized, fx.send(http.MethodGet, "/", func(r *http.Request) { r.AddCookie(made) }).status)
}

func TestASessionLastsHalfAnHourUnusedAndTwelveHoursAtMost(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	browser := fx.browser()
	fx.signIn(browser, fx.owner)
	left := func() time.Duration {
		var expiry time.Time
		require.NoError(t, fx.rows.Get(&expiry, `select expiry from satchel.sessions`))
		return time.Until(expiry)
	}
	require.InDelta(t, 30*time.Minute, left(), float64(time.Minute))

	fx.exec(`update satchel.sessions set expiry = now() + interval '1 minute'`)
	fx.do(browser, http.MethodGet, "/").principal(t)
	require.Less(t, left(), 2*time.Minute, "a session seen a moment ago is not written again")
	fx.pass(2 * time.Minute)
	fx.do(browser, http.MethodGet, "/").principal(t)
	require.InDelta(t, 30*time.Minute, left(), float64(time.Minute), "one that is used is extended")

	fx.exec(`update satchel.sessions set expiry = now() - interval '1 second'`)
	require.Equal(t, http.StatusUnauthorized, fx.do(browser, http.MethodGet, "/").status)
}

func TestASessionEndsNoLaterThanTheTokenItWasMadeOf(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	claims := fx.issuer.claims(fx.account, fx.owner)
	claims["exp"] = time.Now().Add(5 * time.Minute).Unix()
	browser := fx.browser()
	require.Equal(t, http.StatusNoContent, fx.do(browser, http.MethodPost, "/session", bearing(fx.issuer.token(jose.RS256, claims))).status)
	fx.pass(2 * time.Minute)
	fx.do(browser, http.MethodGet, "/").principal(t) // it was written again
	var expiry time.Time
	require.NoError(t, fx.rows.Get(&expiry, `select expiry from satchel.sessions`))
	require.LessOrEqual(t, time.Until(expiry), 5*time.Minute)
}

func TestARemovedPersonIsSignedOut(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	browser := fx.browser()
	fx.signIn(browser, fx.admin)

	fx.exec(`update platform.users set role = 'member' where sid = $1`, fx.admin)
	require.Equal(t, http.StatusForbidden, fx.do(browser, http.MethodGet, "/exports").status)

	fx.exec(`update platform.accounts set suspended = true where sid = $1`, fx.account)
	a := fx.do(browser, http.MethodGet, "/")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.body, "suspended")
	fx.exec(`update platform.accounts set suspended = false where sid = $1`, fx.account)

	fx.exec(`update platform.users set status = 'deactivated' where sid = $1`, fx.admin)
	require.Equal(t, http.StatusUnauthorized, fx.do(browser, http.MethodGet, "/").status)
	fx.exec(`update platform.users set status = 'active' where sid = $1`, fx.admin)
	require.Equal(t, http.StatusUnauthorized, fx.do(browser, http.MethodGet, "/").status, "the session is over for good")
	var sessions int
	require.NoError(t, fx.rows.Get(&sessions, `select count(*) from satchel.sessions where data <> ''`))
	require.Zero(t, sessions)
}

func TestSigningOutEndsTheSessionOfTheSuspended(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	browser := fx.browser()
	fx.signIn(browser, fx.owner)
	fx.exec(`update platform.accounts set suspended = true where sid = $1`, fx.account)
	a := fx.do(browser, http.MethodPost, "/sign-out")
	require.Equal(t, http.StatusSeeOther, a.status)
	require.Equal(t, "/sign-in", a.header.Get("Location"))
	require.Equal(t, http.StatusUnauthorized, fx.do(browser, http.MethodGet, "/").status)
}

func TestBackgroundRequestsDoNotKeepASessionAlive(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	browser := fx.browser()
	fx.signIn(browser, fx.owner)
	fx.exec(`update satchel.sessions set expiry = now() + interval '1 minute'`)
	soon := func() bool {
		var is bool
		require.NoError(t, fx.rows.Get(&is, `select expiry < now() + interval '2 minutes' from satchel.sessions`))
		return is
	}
	fx.pass(2 * time.Minute)
	fx.do(browser, http.MethodGet, "/background").principal(t)
	require.True(t, soon())
	fx.do(browser, http.MethodGet, "/").principal(t)
	require.False(t, soon())
}

func TestALongAnswerEndsWithALostAccess(t *testing.T) {
	t.Parallel()
	// What goes on while an event stream is reauthorized, or a download is checked.
	testLostAccess(t, "/long", http.StatusUnauthorized)
	testLostAccess(t, "/file", http.StatusNoContent)
}

// testLostAccess requests a path whose answer goes on for long. expired is the status
// where only the token's time is over.
func testLostAccess(t *testing.T, path string, expired int) {
	bySession := func(fx *fixture) response {
		browser := fx.browser()
		fx.signIn(browser, fx.owner)
		return fx.do(browser, http.MethodGet, path)
	}
	byToken := func(fx *fixture) response {
		return fx.send(http.MethodGet, path, bearing(fx.issuer.token(jose.RS256, fx.issuer.claims(fx.account, fx.owner))))
	}
	byKey := func(fx *fixture) response { return fx.send(http.MethodGet, path, knowing(fx.key, fx.secret)) }
	byAccount := func(fx *fixture) response { return fx.send(http.MethodGet, path, knowing(fx.account, fx.token)) }
	all := []func(*fixture) response{bySession, byToken, byKey, byAccount}
	people := all[:3]
	for name, of := range map[string]struct {
		happens func(*fixture)
		to      []func(*fixture) response
		status  int
	}{
		"nothing": {func(*fixture) {}, all, http.StatusNoContent},
		"the account is suspended": {func(fx *fixture) {
			fx.exec(`update platform.accounts set suspended = true where sid = $1`, fx.account)
		}, all, http.StatusForbidden},
		"the person is demoted": {func(fx *fixture) {
			fx.exec(`update platform.users set role = 'member' where sid = $1`, fx.owner)
		}, people, http.StatusForbidden},
		"the person leaves": {func(fx *fixture) {
			fx.exec(`update platform.users set status = 'deactivated' where sid = $1`, fx.owner)
		}, people, http.StatusUnauthorized},
		"the session is deleted": {func(fx *fixture) {
			fx.exec(`update satchel.sessions set data = ''`)
		}, people[:1], http.StatusUnauthorized},
		"the token runs out": {func(fx *fixture) {
			fx.pass(25 * time.Hour)
		}, people[1:2], expired},
		"the key is revoked": {func(fx *fixture) {
			fx.exec(`update platform.api_keys set revoked_at = now() where sid = $1`, fx.key)
		}, people[2:], http.StatusUnauthorized},
		"the secret is changed": {func(fx *fixture) {
			fx.exec(`update platform.accounts set auth_token_sha256 = $2 where sid = $1`, fx.account, sum("a new one"))
		}, all[3:], http.StatusUnauthorized},
	} {
		for i, ask := range of.to {
			fx := newFixture(t)
			fx.meanwhile = func() { of.happens(fx) }
			a := ask(fx)
			require.Equal(t, of.status, a.status, "%s %s, %d: %s", path, name, i, a.body)
		}
	}
}

func TestARunningDownloadKeepsItsSessionAwakeUntilThePersonSignsOut(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	browser := fx.browser()
	fx.signIn(browser, fx.owner)
	pass := func(d time.Duration) {
		fx.pass(d)
		fx.exec(`update satchel.sessions set expiry = expiry - $1 * interval '1 second'`, d.Seconds())
	}
	fx.meanwhile = func() { pass(20 * time.Minute) }
	for range 5 {
		require.Equal(t, http.StatusNoContent, fx.do(browser, http.MethodGet, "/file").status)
		pass(20 * time.Minute)
		require.Equal(t, http.StatusOK, fx.do(browser, http.MethodGet, "/background").status, "signed in")
	}
	fx.meanwhile = func() { pass(12 * time.Hour) } // a session ends twelve hours after it began; the download goes on
	require.Equal(t, http.StatusNoContent, fx.do(browser, http.MethodGet, "/file").status)
	require.Equal(t, http.StatusUnauthorized, fx.do(browser, http.MethodGet, "/file").status)
}
