package auth

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/respond"
)

// SessionPath is where a page of the host application posts a JWT.
const SessionPath = "/session"

// Register adds the routes for browsers. They are Public, because a browser with
// an ended session or of a suspended account has to reach them.
func (a *Auth) Register(r *respond.Router) {
	public := respond.Policy{Access: respond.Public, Format: respond.Page}
	session := respond.Policy{Access: respond.Public, Format: respond.PageOrProgram, FromHostSite: true, Unlimited: true} // wrong tokens are counted, right ones are not
	r.Add(http.MethodPost, SessionPath, a.createSession, session)
	r.Add(http.MethodDelete, SessionPath, a.endSession, session)
	r.Add(http.MethodPost, "/sign-out", a.signOutForm, public)
	if a.dev != nil {
		r.Add(http.MethodGet, "/dev/sign-in", a.devSignIn, public)
	}
}

// createSession answers POST /session: it exchanges a JWT for a session cookie.
// The JWT is a bearer token, or the field "token" of a form whose field "return"
// is the path to return to.
func (a *Auth) createSession(c echo.Context) error {
	token, isBearer := bearer(c.Request())
	if !isBearer {
		token = c.Request().PostFormValue("token") // never from the URL, which proxies log
	}
	who, until, err := a.identifyToken(c.Request().Context(), token)
	if err != nil {
		return a.countWrong(c, err)
	}
	if err := a.signIn(c, who, until); err != nil {
		return err
	}
	if isBearer {
		return c.NoContent(http.StatusNoContent)
	}
	return c.Redirect(http.StatusSeeOther, a.site.to(a.ReturnPath(c.FormValue("return"))))
}

// endSession answers DELETE /session.
func (a *Auth) endSession(c echo.Context) error {
	if err := a.signOut(c); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// signOutForm answers POST /sign-out. The field "return" may name a path to
// return to after signing in again.
func (a *Auth) signOutForm(c echo.Context) error {
	if err := a.signOut(c); err != nil {
		return err
	}
	next := "/sign-in"
	if back := c.Request().PostFormValue("return"); back != "" {
		next += "?" + url.Values{"return": {a.ReturnPath(back)}}.Encode()
	}
	return c.Redirect(http.StatusSeeOther, a.site.to(next))
}

// devSignIn answers GET /dev/sign-in: it signs in any user, without a password,
// for requests from this machine.
func (a *Auth) devSignIn(c echo.Context) error {
	if !fromThisMachine(c.Request()) {
		return echo.ErrNotFound
	}
	user := c.QueryParam("user")
	if !schema.IsUserID(user) {
		return schema.Errorf(schema.Invalid, schema.CodeInvalidUser, "Please name a user: /dev/sign-in?user=US…")
	}
	found, err := a.dev.People(c.Request().Context(), user)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return schema.Errorf(schema.NotFound, schema.CodeUserNotFound, "There is no such user.")
	}
	who := &identity{Principal: Principal{Account: found[0].Account, User: found[0].ID}}
	if err := a.signIn(c, who, a.now().Add(sessionLife)); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, a.site.to(a.ReturnPath(c.QueryParam("return"))))
}

// DevUsers lists people to sign in as, for development, and none for requests
// that cannot use the sign-in for development.
func (a *Auth) DevUsers(ctx context.Context, c echo.Context) ([]schema.Person, error) {
	if a.dev == nil || !fromThisMachine(c.Request()) {
		return nil, nil
	}
	return a.dev.People(ctx, "")
}

// fromThisMachine reports whether the connection comes from a loopback address
// and the Host is one, so that neither a tunnel nor a page of another site can
// sign in through a developer's browser.
func fromThisMachine(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	return schema.IsLoopback(hostOnly(r.Host))
}

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "bearer")
}
