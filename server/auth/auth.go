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
	"satchel/server/respond"
)

// Directory reads accounts, people and credentials of the platform. The error
// for what does not exist is a schema.Error of kind NotFound.
type Directory interface {
	Account(ctx context.Context, id string) (schema.Account, error)
	Person(ctx context.Context, account, user string) (schema.Person, error)
	Credential(ctx context.Context, username string) (schema.Credential, error)
}

// DevDirectory lists the people whom the sign-in for development accepts: the
// user with this ID, or, for "", some to choose from.
type DevDirectory interface {
	People(ctx context.Context, user string) ([]schema.Person, error)
}

// Options configure an Auth.
type Options struct {
	Directory Directory
	Sessions  scs.CtxStore
	Site      schema.Site
	Host      Host         // zero without a host application
	Dev       DevDirectory // nil unless only loopback can reach the server
	Now       func() time.Time
}

// Auth authenticates requests.
type Auth struct {
	directory Directory
	sessions  *scs.SessionManager
	host      *host
	site      site
	dev       DevDirectory
	now       func() time.Time

	addressFailures    *limit.Buckets // failed sign-ins by address
	credentialFailures *limit.Buckets // failed sign-ins by user name, if it has the form of one
	knownClients       *knownClients
}

// New makes an Auth. It connects to nothing.
func New(o Options) *Auth {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Auth{
		directory:          o.Directory,
		site:               newSite(o.Site),
		dev:                o.Dev,
		now:                o.Now,
		addressFailures:    limit.New(1, 20, o.Now),
		credentialFailures: limit.New(0.2, 10, o.Now),
		knownClients:       newKnownClients(o.Now),
	}
	a.sessions = newSessions(o.Sessions, a.site.secure)
	if o.Host != (Host{}) {
		a.host = newHost(o.Host, o.Now)
	}
	return a
}

// authTimeout is how long authentication may take.
const authTimeout = 10 * time.Second

// Identify is a middleware that authenticates requests, except on routes that
// are Public. A request with wrong credentials fails; one without credentials
// is anonymous.
func (a *Auth) Identify(next echo.HandlerFunc) echo.HandlerFunc {
	identify := func(c echo.Context) error {
		who, err := a.identify(c)
		if err != nil {
			return err
		}
		if who != nil {
			who.reauthenticate = a.reauthenticate
			c.Set(contextKey, *who)
		}
		return nil
	}
	identifyInTime := respond.Timeout(authTimeout)(identify)
	return func(c echo.Context) error {
		if respond.PolicyOf(c).Access == respond.Public {
			return next(c)
		}
		if err := identifyInTime(c); err != nil {
			return err
		}
		return next(c)
	}
}

// Authorize is a middleware that rejects requests of those who may not use the
// route. It stands behind Identify.
func Authorize(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		var err error
		switch respond.PolicyOf(c).Access {
		case respond.Exporter:
			_, err = Exporter(c)
		case respond.ExporterByBasic:
			if p, _ := Of(c); p.Method != Basic {
				return schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated,
					"Use HTTP Basic authentication with an account SID and its auth token, or an API key and its secret.")
			}
			_, err = Exporter(c)
		case respond.SignedIn:
			_, err = Of(c)
		}
		if err != nil {
			return err
		}
		return next(c)
	}
}

func (a *Auth) identify(c echo.Context) (*identity, error) {
	ctx, header := c.Request().Context(), c.Request().Header.Get(echo.HeaderAuthorization)
	if header == "" {
		return a.identifySession(c)
	}
	address := AddressKey(c.RealIP())
	if wait := a.addressFailures.Wait(address); wait > 0 {
		return nil, tooManyFailures(wait)
	}
	var who *identity
	var err error
	switch scheme, token, _ := strings.Cut(header, " "); strings.ToLower(scheme) {
	case "bearer":
		who, _, err = a.identifyToken(ctx, strings.TrimSpace(token))
	case "basic":
		who, err = a.identifyBasic(c.Request(), address)
	default:
		err = schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "Please use a bearer token or HTTP Basic authentication.")
	}
	if schema.KindOf(err) == schema.Unauthenticated {
		a.addressFailures.Take(address)
	}
	return who, err
}

// lookUp reads a person and their account from the directory. The error is
// Unauthenticated where either does not exist. A person of a suspended account
// is returned, with a denial.
func (a *Auth) lookUp(ctx context.Context, account, user string, m Method) (*identity, error) {
	person, err := a.directory.Person(ctx, account, user)
	if schema.KindOf(err) == schema.NotFound {
		return nil, schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "You are no longer a user of this account.")
	}
	if err != nil {
		return nil, err
	}
	found, err := a.directory.Account(ctx, account)
	if schema.KindOf(err) == schema.NotFound {
		return nil, schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "This account no longer exists.")
	}
	if err != nil {
		return nil, err
	}
	who := &identity{
		Principal: Principal{Account: account, User: person.ID, Role: person.Role, Method: m},
		person:    person, account: found,
	}
	if found.Suspended {
		who.denial = suspended()
	}
	return who, nil
}

func suspended() error {
	return schema.Errorf(schema.Forbidden, schema.CodeAccountSuspended, "This account is suspended. Please contact support.")
}

func tooManyFailures(wait time.Duration) error {
	err := schema.Errorf(schema.Limited, schema.CodeTooManyFailures, "Too many failed sign-ins. Please wait before you try again.")
	err.RetryAfter = wait
	return err
}

// AddressKey returns the key under which an IP address is rate limited: an IPv4
// address itself, and the /64 network of an IPv6 address, which is what one
// customer of a provider has.
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
