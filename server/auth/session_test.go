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
func (w *world) signIn(browser *http.Client, user string) answer {
	w.t.Helper()
	a := w.do(browser, http.MethodPost, "/session", bearing(w.issuer.token(jose.EdDSA, w.issuer.claims(w.account, user))))
	require.Equal(w.t, http.StatusNoContent, a.status, a.body)
	return a
}

func TestATokenIsExchangedForASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	browser := w.browser()
	cookie := w.signIn(browser, w.admin).cookies[0]
	require.True(t, cookie.HttpOnly)
	require.False(t, cookie.Secure, "over plain HTTP, on one machine")
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.Equal(t, "/", cookie.Path)
	require.Zero(t, cookie.MaxAge, "it ends with the browser, too")
	require.Equal(t, auth.Principal{Account: w.account, User: w.admin, Role: schema.Admin, Method: auth.Session},
		w.do(browser, http.MethodGet, "/").principal(t))

	require.Equal(t, http.StatusNoContent, w.do(browser, http.MethodDelete, "/session").status)
	require.Equal(t, http.StatusUnauthorized, w.do(browser, http.MethodGet, "/").status)
	again := w.send(http.MethodGet, "/", func(r *http.Request) { r.AddCookie(cookie) })
	require.Equal(t, http.StatusUnauthorized, again.status, "a copy of the cookie is worth nothing")
}

func TestOverTLSTheCookieIsBoundToTheHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *auth.Options) { o.Site = "https://export.example.com/data" })
	cookie := w.signIn(w.browser(), w.owner).cookies[0]
	require.Equal(t, "__Host-satchel_session", cookie.Name)
	require.True(t, cookie.Secure)
	require.Equal(t, "/", cookie.Path)
	require.Empty(t, cookie.Domain)
}

func TestTheHostApplicationsPageCanPostAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	browser := w.browser()
	token := w.issuer.token(jose.RS256, w.issuer.claims(w.account, w.owner))
	a := w.do(browser, http.MethodPost, "/session", form(url.Values{"token": {token}, "return": {"/confirm/abc"}}))
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.Equal(t, "/confirm/abc", a.header.Get("Location"))
	require.Equal(t, w.owner, w.do(browser, http.MethodGet, "/").principal(t).User)

	a = w.do(browser, http.MethodPost, "/session", form(url.Values{"token": {"a guess"}}))
	require.Equal(t, http.StatusUnauthorized, a.status)
}

func TestOnlyHashesOfSessionsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.signIn(w.browser(), w.owner).cookies[0].Value
	var kept []string
	require.NoError(t, w.rows.Select(&kept, `select token from satchel.sessions`))
	sum := sha256.Sum256([]byte(token))
	require.Equal(t, []string{base64.RawURLEncoding.EncodeToString(sum[:])}, kept)
}

func TestASessionIsNewAtEverySignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// An attacker's own session, planted in somebody's browser.
	attacker := w.signIn(w.browser(), w.member).cookies[0]
	browser := w.browser()
	at, err := url.Parse(w.url)
	require.NoError(t, err)
	browser.Jar.SetCookies(at, []*http.Cookie{attacker})
	mine := w.signIn(browser, w.owner).cookies[0]
	require.NotEqual(t, attacker.Value, mine.Value)
	require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", func(r *http.Request) { r.AddCookie(attacker) }).status,
		"the planted session is over, and has not become somebody else")

	// A made-up token is no session, and does not become one.
	made := &http.Cookie{Name: mine.Name, Value: "chosen-by-somebody"}
	browser = w.browser()
	browser.Jar.SetCookies(at, []*http.Cookie{made})
	require.NotEqual(t, made.Value, w.signIn(browser, w.owner).cookies[0].Value)
	require.Equal(t, http.StatusUnauthorized, w.send(http.MethodGet, "/", func(r *http.Request) { r.AddCookie(made) }).status)
}

func TestASessionLastsHalfAnHourUnusedAndTwelveHoursAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	browser := w.browser()
	w.signIn(browser, w.owner)
	left := func() time.Duration {
		var expiry time.Time
		require.NoError(t, w.rows.Get(&expiry, `select expiry from satchel.sessions`))
		return time.Until(expiry)
	}
	require.InDelta(t, 30*time.Minute, left(), float64(time.Minute))

	w.exec(`update satchel.sessions set expiry = now() + interval '1 minute'`)
	w.do(browser, http.MethodGet, "/").principal(t)
	require.Less(t, left(), 2*time.Minute, "a session seen a moment ago is not written again")
	w.pass(2 * time.Minute)
	w.do(browser, http.MethodGet, "/").principal(t)
	require.InDelta(t, 30*time.Minute, left(), float64(time.Minute), "one that is used stays awake")

	w.exec(`update satchel.sessions set expiry = now() - interval '1 second'`)
	require.Equal(t, http.StatusUnauthorized, w.do(browser, http.MethodGet, "/").status)
}

func TestASessionEndsNoLaterThanTheTokenItWasMadeOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claims := w.issuer.claims(w.account, w.owner)
	claims["exp"] = time.Now().Add(5 * time.Minute).Unix()
	browser := w.browser()
	require.Equal(t, http.StatusNoContent, w.do(browser, http.MethodPost, "/session", bearing(w.issuer.token(jose.RS256, claims))).status)
	w.pass(2 * time.Minute)
	w.do(browser, http.MethodGet, "/").principal(t) // it was written again
	var expiry time.Time
	require.NoError(t, w.rows.Get(&expiry, `select expiry from satchel.sessions`))
	require.LessOrEqual(t, time.Until(expiry), 5*time.Minute)
}

func TestWhoeverIsRemovedIsSignedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	browser := w.browser()
	w.signIn(browser, w.admin)

	w.exec(`update platform.users set role = 'member' where sid = $1`, w.admin)
	require.Equal(t, http.StatusForbidden, w.do(browser, http.MethodGet, "/exports").status)

	w.exec(`update platform.accounts set suspended = true where sid = $1`, w.account)
	a := w.do(browser, http.MethodGet, "/")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.body, "suspended")
	w.exec(`update platform.accounts set suspended = false where sid = $1`, w.account)

	w.exec(`update platform.users set status = 'deactivated' where sid = $1`, w.admin)
	require.Equal(t, http.StatusUnauthorized, w.do(browser, http.MethodGet, "/").status)
	w.exec(`update platform.users set status = 'active' where sid = $1`, w.admin)
	require.Equal(t, http.StatusUnauthorized, w.do(browser, http.MethodGet, "/").status, "the session is over for good")
	var sessions int
	require.NoError(t, w.rows.Get(&sessions, `select count(*) from satchel.sessions where data <> ''`))
	require.Zero(t, sessions)
}

func TestSigningOutEndsTheSessionOfTheSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	browser := w.browser()
	w.signIn(browser, w.owner)
	w.exec(`update platform.accounts set suspended = true where sid = $1`, w.account)
	a := w.do(browser, http.MethodPost, "/sign-out")
	require.Equal(t, http.StatusSeeOther, a.status)
	require.Equal(t, "/sign-in", a.header.Get("Location"))
	require.Equal(t, http.StatusUnauthorized, w.do(browser, http.MethodGet, "/").status)
}

func TestWhatAPageAsksForByItselfKeepsNobodySignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	browser := w.browser()
	w.signIn(browser, w.owner)
	w.exec(`update satchel.sessions set expiry = now() + interval '1 minute'`)
	soon := func() bool {
		var is bool
		require.NoError(t, w.rows.Get(&is, `select expiry < now() + interval '2 minutes' from satchel.sessions`))
		return is
	}
	w.pass(2 * time.Minute)
	w.do(browser, http.MethodGet, "/background").principal(t)
	require.True(t, soon())
	w.do(browser, http.MethodGet, "/").principal(t)
	require.False(t, soon())
}

func TestALongAnswerIsForThoseOnlyWhoAreStillLetIn(t *testing.T) {
	t.Parallel()
	bySession := func(w *world) answer {
		browser := w.browser()
		w.signIn(browser, w.owner)
		return w.do(browser, http.MethodGet, "/long")
	}
	byToken := func(w *world) answer {
		return w.send(http.MethodGet, "/long", bearing(w.issuer.token(jose.RS256, w.issuer.claims(w.account, w.owner))))
	}
	byKey := func(w *world) answer { return w.send(http.MethodGet, "/long", knowing(w.key, w.secret)) }
	byAccount := func(w *world) answer { return w.send(http.MethodGet, "/long", knowing(w.account, w.token)) }
	all := []func(*world) answer{bySession, byToken, byKey, byAccount}
	people := all[:3]
	for name, of := range map[string]struct {
		happens func(*world)
		to      []func(*world) answer
		status  int
	}{
		"nothing": {func(*world) {}, all, http.StatusNoContent},
		"the account is suspended": {func(w *world) {
			w.exec(`update platform.accounts set suspended = true where sid = $1`, w.account)
		}, all, http.StatusForbidden},
		"the person is demoted": {func(w *world) {
			w.exec(`update platform.users set role = 'member' where sid = $1`, w.owner)
		}, people, http.StatusForbidden},
		"the person leaves": {func(w *world) {
			w.exec(`update platform.users set status = 'deactivated' where sid = $1`, w.owner)
		}, people, http.StatusUnauthorized},
		"somebody signs out": {func(w *world) {
			w.exec(`update satchel.sessions set data = ''`)
		}, people[:1], http.StatusUnauthorized},
		"the token runs out": {func(w *world) {
			w.pass(25 * time.Hour)
		}, people[1:2], http.StatusUnauthorized},
		"the key is revoked": {func(w *world) {
			w.exec(`update platform.api_keys set revoked_at = now() where sid = $1`, w.key)
		}, people[2:], http.StatusUnauthorized},
		"the secret is changed": {func(w *world) {
			w.exec(`update platform.accounts set auth_token_sha256 = $2 where sid = $1`, w.account, sum("a new one"))
		}, all[3:], http.StatusUnauthorized},
	} {
		for i, ask := range of.to {
			w := newWorld(t)
			w.meanwhile = func() { of.happens(w) }
			a := ask(w)
			require.Equal(t, of.status, a.status, "%s, %d: %s", name, i, a.body)
		}
	}
}
