package auth

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/limit"
)

// Directory is what the platform knows of who is who. What it does not know
// is a schema.Error of kind NotFound.
type Directory interface {
	Account(ctx context.Context, id string) (schema.Account, error)
	Person(ctx context.Context, account, user string) (schema.Person, error)
	Credential(ctx context.Context, username string) (schema.Credential, error)
}

// Everybody is whom the sign-in of development lets in: the person named, or
// for "" some to choose from.
type Everybody interface {
	People(ctx context.Context, user string) ([]schema.Person, error)
}

// Options are what Auth is made of.
type Options struct {
	Directory Directory
	Sessions  scs.CtxStore
	Site      schema.Site
	Host      Host      // zero where no host application vouches for anybody
	Dev       Everybody // nil except for a server that only loopback can reach
	Now       func() time.Time

	// ByItself tells whether a request is one that a page sends by itself, so
	// that it is no sign of somebody at work. Where nil, none is.
	ByItself func(echo.Context) bool
}

// Auth finds out who is asking.
type Auth struct {
	directory Directory
	sessions  *scs.SessionManager
	host      *host
	site      site
	dev       Everybody
	now       func() time.Time
	byItself  func(echo.Context) bool

	failuresOf   *limit.Buckets // by address
	failuresWith *limit.Buckets // by user name, of those that a credential may have
	welcome      *welcome
}

// New makes an Auth. It asks nobody yet.
func New(o Options) *Auth {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ByItself == nil {
		o.ByItself = func(echo.Context) bool { return false }
	}
	a := &Auth{
		directory:    o.Directory,
		site:         newSite(o.Site),
		dev:          o.Dev,
		now:          o.Now,
		byItself:     o.ByItself,
		failuresOf:   limit.New(1, 20, o.Now),
		failuresWith: limit.New(0.2, 10, o.Now),
		welcome:      newWelcome(o.Now),
	}
	a.sessions = newSessions(o.Sessions, a.site.secure)
	if o.Host != (Host{}) {
		a.host = newHost(o.Host, o.Now)
	}
	return a
}

// Identify finds out who sends a request. Whoever brings a credential that is
// wrong is refused at once; whoever brings none is anonymous.
func (a *Auth) Identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := a.identify(c)
		if err != nil {
			return err
		}
		if who != nil {
			who.still = a.still
			c.Set(contextKey, *who)
		}
		return next(c)
	}
}

func (a *Auth) identify(c echo.Context) (*known, error) {
	ctx, header := c.Request().Context(), c.Request().Header.Get(echo.HeaderAuthorization)
	if header == "" {
		return a.bySession(c)
	}
	address := AddressKey(c.RealIP())
	if wait := a.failuresOf.Wait(address); wait > 0 {
		return nil, tooManyFailures(wait)
	}
	var who *known
	var err error
	switch scheme, token, _ := strings.Cut(header, " "); strings.ToLower(scheme) {
	case "bearer":
		who, _, err = a.byToken(ctx, strings.TrimSpace(token))
	case "basic":
		who, err = a.bySecret(c.Request(), address)
	default:
		err = schema.Errorf(schema.Unauthenticated, "unauthenticated", "Use a bearer token or HTTP Basic authentication.")
	}
	if schema.KindOf(err) == schema.Unauthenticated {
		a.failuresOf.Take(address)
	}
	return who, err
}

// lookUp asks the directory about a person as they are now. Whoever it does
// not know is Unauthenticated, and the suspended are known but refused.
func (a *Auth) lookUp(ctx context.Context, account, user string, m Method) (*known, error) {
	person, err := a.directory.Person(ctx, account, user)
	if schema.KindOf(err) == schema.NotFound {
		return nil, schema.Errorf(schema.Unauthenticated, "unauthenticated", "You are no longer a user of this account.")
	}
	if err != nil {
		return nil, err
	}
	of, err := a.directory.Account(ctx, account)
	if schema.KindOf(err) == schema.NotFound {
		return nil, schema.Errorf(schema.Unauthenticated, "unauthenticated", "This account is no longer there.")
	}
	if err != nil {
		return nil, err
	}
	who := &known{
		Principal: Principal{Account: account, User: person.ID, Role: person.Role, Method: m},
		person:    person, account: of,
	}
	if of.Suspended {
		who.refused = suspended()
	}
	return who, nil
}

func suspended() error {
	return schema.Errorf(schema.Forbidden, "account_suspended", "This account is suspended. Please contact support.")
}

func tooManyFailures(wait time.Duration) error {
	err := schema.Errorf(schema.Limited, "too_many_failures", "Too many failed sign-ins. Please wait before you try again.")
	err.RetryAfter = wait
	return err
}

// AddressKey is what an address is counted by: of IPv6, the network that one
// customer of a provider is given.
func AddressKey(ip string) string {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		network, err := address.Prefix(64)
		if err == nil {
			return network.String()
		}
	}
	return address.String()
}
