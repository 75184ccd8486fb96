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
)

// SessionPath is where the host application's page may post a JWT to, from
// its own origin.
const SessionPath = "/session"

// Routes are the doors for browsers. They stand outside Identify, because
// they are for those whom it would not let in.
func (a *Auth) Routes(e *echo.Echo) {
	e.POST(SessionPath, a.beginSession)
	e.DELETE(SessionPath, a.endSession)
	e.POST("/sign-out", a.leave)
	if a.dev != nil {
		e.GET("/dev/sign-in", a.signInOnThisMachine)
	}
}

// beginSession answers POST /session: it exchanges a JWT for a session
// cookie. The JWT comes as bearer, or as the field "token" of a form with the
// path to return to.
func (a *Auth) beginSession(c echo.Context) error {
	token, isBearer := bearer(c.Request())
	if !isBearer {
		token = c.Request().PostFormValue("token") // never from the URL, which others log
	}
	address := AddressKey(c.RealIP())
	if wait := a.failuresOf.Wait(address); wait > 0 {
		return tooManyFailures(wait)
	}
	who, until, err := a.byToken(c.Request().Context(), token)
	if schema.KindOf(err) == schema.Unauthenticated {
		a.failuresOf.Take(address)
	}
	if err != nil {
		return err
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

// leave answers POST /sign-out. A form may name a path of ours to return to as
// somebody else.
func (a *Auth) leave(c echo.Context) error {
	if err := a.signOut(c); err != nil {
		return err
	}
	next := "/sign-in"
	if back := c.Request().PostFormValue("return"); back != "" {
		next += "?" + url.Values{"return": {a.ReturnPath(back)}}.Encode()
	}
	return c.Redirect(http.StatusSeeOther, a.site.to(next))
}

// signInOnThisMachine answers GET /dev/sign-in: it signs in anybody, for whoever
// sits at this machine.
func (a *Auth) signInOnThisMachine(c echo.Context) error {
	if !fromThisMachine(c.Request()) {
		return echo.ErrNotFound
	}
	user := c.QueryParam("user")
	if !schema.IsUserID(user) {
		return schema.Errorf(schema.Invalid, "user", "Say who: /dev/sign-in?user=US…")
	}
	found, err := a.dev.People(c.Request().Context(), user)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return schema.Errorf(schema.NotFound, "user_not_found", "There is no such user.")
	}
	who := &known{Principal: Principal{Account: found[0].Account, User: found[0].ID}}
	if err := a.signIn(c, who, a.now().Add(sessionLife)); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, a.site.to(a.ReturnPath(c.QueryParam("return"))))
}

// Choices are the people to choose from where development signs people in,
// and nobody elsewhere.
func (a *Auth) Choices(ctx context.Context, c echo.Context) ([]schema.Person, error) {
	if a.dev == nil || !fromThisMachine(c.Request()) {
		return nil, nil
	}
	return a.dev.People(ctx, "")
}

// fromThisMachine tells whether the connection itself comes from loopback and
// asks for loopback, so that neither a tunnel nor a web page elsewhere can
// sign in through somebody's browser.
func fromThisMachine(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	return IsLoopback(hostOnly(r.Host))
}

// IsLoopback tells whether a host's name or address is this machine's own.
func IsLoopback(host string) bool { return schema.IsLoopback(host) }

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
