package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"satchel/schema"
)

const (
	sessionLife = 12 * time.Hour   // from sign-in, whatever happens
	sessionIdle = 30 * time.Minute // without a request
	sessionRest = time.Minute      // between two notes that a session is in use
)

// What a session holds.
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
		s.Cookie.Name = "__Host-satchel_session" // which no other host or path can set
	}
	return s
}

// bySession lets in whoever signed in with this browser. A session that is
// over is no error: its browser is anonymous again.
func (a *Auth) bySession(c echo.Context) (*known, error) {
	ctx, who, err := a.bySessionOf(c.Request().Context(), c.Request())
	if schema.KindOf(err) == schema.Unauthenticated {
		return nil, a.signOut(c)
	}
	if err != nil || who == nil || a.byItself(c) {
		return who, err
	}
	return who, a.keepAwake(ctx)
}

// bySessionOf finds the person whose session a request names, and the context
// that holds the session; nobody where there is none, or where it is over.
func (a *Auth) bySessionOf(ctx context.Context, r *http.Request) (context.Context, *known, error) {
	cookie, err := r.Cookie(a.sessions.Cookie.Name)
	if err != nil || cookie.Value == "" {
		return ctx, nil, nil //nolint:nilerr // it names none
	}
	if ctx, err = a.sessions.Load(ctx, cookie.Value); err != nil {
		return ctx, nil, err
	}
	user := a.sessions.GetString(ctx, userKey)
	if user == "" {
		return ctx, nil, nil
	}
	who, err := a.lookUp(ctx, a.sessions.GetString(ctx, accountKey), user, Session)
	return ctx, who, err
}

// still lets in whoever sent a request once more, by what they sent then, and
// only as the same.
func (a *Auth) still(ctx context.Context, r *http.Request, was Principal) (who *known, err error) {
	switch was.Method {
	case Session:
		_, who, err = a.bySessionOf(ctx, r)
	case Bearer:
		token, _ := bearer(r)
		who, _, err = a.byToken(ctx, token)
	case Basic:
		name, secret, _ := r.BasicAuth()
		var credential schema.Credential
		if credential, err = a.credential(ctx, name, secret); err == nil {
			who, err = holder(name, credential)
		}
	}
	if err == nil && (who == nil || who.Key() != was.Key()) {
		err = schema.Errorf(schema.Unauthenticated, "unauthenticated", "You have been signed out.")
	}
	return who, err
}

// keepAwake notes that a session is in use, now and then.
func (a *Auth) keepAwake(ctx context.Context) error {
	now := a.now()
	if now.Sub(time.Unix(a.sessions.GetInt64(ctx, seenKey), 0)) < sessionRest {
		return nil
	}
	a.sessions.Put(ctx, seenKey, now.Unix())
	_, _, err := a.sessions.Commit(ctx)
	return err
}

// signIn begins a session under a new token, whatever token the browser had
// before. It ends no later than until.
func (a *Auth) signIn(c echo.Context, who *known, until time.Time) error {
	if err := a.forget(c); err != nil {
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

// signOut ends the browser's session, if it has one.
func (a *Auth) signOut(c echo.Context) error {
	if err := a.forget(c); err != nil {
		return err
	}
	a.sessions.WriteSessionCookie(c.Request().Context(), c.Response(), "", time.Time{})
	return nil
}

// forget deletes the session that the browser's cookie names.
func (a *Auth) forget(c echo.Context) error {
	cookie, err := c.Cookie(a.sessions.Cookie.Name)
	if err != nil || cookie.Value == "" {
		return nil //nolint:nilerr // there is nothing to forget
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
