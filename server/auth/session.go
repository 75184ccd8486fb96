package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/respond"
)

const (
	sessionLife   = 12 * time.Hour   // after sign-in, used or not
	sessionIdle   = 30 * time.Minute // without a request
	touchInterval = time.Minute      // between two writes that a session is in use
)

// Keys of a session.
const (
	accountKey = "account"
	userKey    = "user"
	seenKey    = "seen"
)

func newSessions(store scs.CtxStore, secure bool) *scs.SessionManager {
	s := scs.New()
	s.Store, s.HashTokenInStore = store, true
	s.Lifetime, s.IdleTimeout = sessionLife, sessionIdle
	s.Cookie = scs.SessionCookie{Name: "satchel_session", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure}
	if secure {
		s.Cookie.Name = "__Host-satchel_session" // a cookie with this prefix cannot be set by other hosts
	}
	return s
}

// identifySession authenticates by the session cookie. An ended session is no
// error: the request is anonymous and the cookie is deleted.
func (a *Auth) identifySession(c echo.Context) (*identity, error) {
	ctx, who, err := a.loadSession(c.Request().Context(), c.Request())
	if schema.KindOf(err) == schema.Unauthenticated {
		return nil, a.signOut(c)
	}
	if err != nil || who == nil || respond.PolicyOf(c).Background {
		return who, err
	}
	return who, a.touchSession(ctx)
}

// loadSession returns the person of the request's session, and a context that
// holds the session. The person is nil where there is no session or it has
// ended.
func (a *Auth) loadSession(ctx context.Context, r *http.Request) (context.Context, *identity, error) {
	cookie, err := r.Cookie(a.sessions.Cookie.Name)
	if err != nil || cookie.Value == "" {
		return ctx, nil, nil //nolint:nilerr // there is no session
	}
	if ctx, err = a.sessions.Load(ctx, cookie.Value); err != nil {
		return ctx, nil, err
	}
	user := a.sessions.GetString(ctx, userKey)
	if user == "" {
		return ctx, nil, nil
	}
	who, err := a.lookUp(ctx, a.sessions.GetString(ctx, accountKey), user, Session)
	if err == nil {
		who.sessionUntil = a.sessions.Deadline(ctx)
	}
	return ctx, who, err
}

// reauthenticate authenticates a request again by the credentials that it was
// sent with. The error is Unauthenticated where they now belong to another
// principal.
func (a *Auth) reauthenticate(ctx context.Context, r *http.Request, before Principal) (who *identity, err error) {
	switch before.Method {
	case Session:
		_, who, err = a.loadSession(ctx, r)
	case Bearer:
		token, _ := bearer(r)
		who, _, err = a.identifyToken(ctx, token)
	case Basic:
		name, secret, _ := r.BasicAuth()
		var credential schema.Credential
		if credential, err = a.credential(ctx, name, secret); err == nil {
			who, err = identityOf(name, credential)
		}
	}
	if err == nil && (who == nil || who.Key() != before.Key()) {
		err = signedOut()
	}
	return who, err
}

// identifyAgain identifies the principal of an answer that has begun. A session that
// has ended by its age, and a token that has expired, still say who it is.
func (a *Auth) identifyAgain(ctx context.Context, r *http.Request, before identity) (*identity, error) {
	switch before.Method {
	case Basic:
		return a.reauthenticate(ctx, r, before.Principal)
	case Session:
		session, who, err := a.loadSession(ctx, r)
		if err != nil {
			return nil, err
		}
		if who != nil {
			return who, a.touchSession(session)
		}
		if a.now().Before(before.sessionUntil) {
			return nil, signedOut()
		}
	}
	return a.lookUp(ctx, before.Account, before.User, before.Method)
}

// touchSession extends a session that is in use, at most once per touchInterval.
func (a *Auth) touchSession(ctx context.Context) error {
	now := a.now()
	if now.Sub(time.Unix(a.sessions.GetInt64(ctx, seenKey), 0)) < touchInterval {
		return nil
	}
	a.sessions.Put(ctx, seenKey, now.Unix())
	_, _, err := a.sessions.Commit(ctx)
	return err
}

// signIn starts a session with a new token, and deletes the browser's previous
// session. The session ends no later than until.
func (a *Auth) signIn(c echo.Context, who *identity, until time.Time) error {
	if err := a.deleteSession(c); err != nil {
		return err
	}
	ctx, err := a.sessions.Load(c.Request().Context(), "")
	if err != nil {
		return err
	}
	a.sessions.Put(ctx, accountKey, who.Account)
	a.sessions.Put(ctx, userKey, who.User)
	a.sessions.Put(ctx, seenKey, a.now().Unix())
	if until.Before(a.sessions.Deadline(ctx)) {
		a.sessions.SetDeadline(ctx, until)
	}
	token, expiry, err := a.sessions.Commit(ctx)
	if err != nil {
		return err
	}
	a.sessions.WriteSessionCookie(ctx, c.Response(), token, expiry)
	return nil
}

// signOut deletes the browser's session and its cookie.
func (a *Auth) signOut(c echo.Context) error {
	if err := a.deleteSession(c); err != nil {
		return err
	}
	a.sessions.WriteSessionCookie(c.Request().Context(), c.Response(), "", time.Time{})
	return nil
}

// deleteSession deletes the session of the browser's cookie, if there is one.
func (a *Auth) deleteSession(c echo.Context) error {
	cookie, err := c.Cookie(a.sessions.Cookie.Name)
	if err != nil || cookie.Value == "" {
		return nil //nolint:nilerr // there is no session
	}
	ctx, err := a.sessions.Load(c.Request().Context(), cookie.Value)
	if err != nil {
		return err
	}
	if a.sessions.Token(ctx) == "" {
		return nil
	}
	return a.sessions.Destroy(ctx)
}
