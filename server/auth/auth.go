package auth

import (
	"cmp"
	"context"
	"errors"
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

	wrong *limit.Rates // wrong credentials by address
	turns *limit.Turns // of addresses from which too many were wrong
}

// New makes an Auth. It connects to nothing.
func New(o Options) *Auth {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Auth{
		directory: o.Directory,
		site:      newSite(o.Site),
		dev:       o.Dev,
		now:       o.Now,
		wrong:     limit.NewRates(1, 20, o.Now),
		turns:     limit.NewTurns(2),
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
			who.auth = a
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
	end, err := a.awaitTurn(c)
	if err != nil {
		return nil, err
	}
	defer end()
	var who *identity
	switch scheme, token, _ := strings.Cut(header, " "); strings.ToLower(scheme) {
	case "bearer":
		who, _, err = a.identifyToken(ctx, strings.TrimSpace(token))
	case "basic":
		who, err = a.identifyBasic(c.Request())
	default:
		err = &wrongError{schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "Please use a bearer token or HTTP Basic authentication.")}
	}
	return who, a.countWrong(c, err)
}

// awaitTurn waits, where too many wrong credentials came from the address, until few
// others of the address are checked: a check costs a query. Right ones are accepted
// all the same, after a moment.
func (a *Auth) awaitTurn(c echo.Context) (end func(), err error) {
	address := AddressKey(c.RealIP())
	if !a.wrong.IsMet(address) {
		return func() {}, nil
	}
	return a.turns.Wait(c.Request().Context(), address)
}

// wrongError is the error of credentials that are wrong. Those that have expired,
// or whose person has left, were right once: to guess them gains nothing.
type wrongError struct{ err *schema.Error }

func (e *wrongError) Error() string { return e.err.Error() }

func (e *wrongError) Unwrap() error { return e.err }

// countWrong counts wrong credentials by address, and returns the error for the
// caller: Limited where there were too many. Credentials are checked before, so
// right ones are never refused because of wrong ones. Checking costs a hash or a
// signature, and secrets are too long to be guessed.
func (a *Auth) countWrong(c echo.Context, err error) error {
	if _, wrong := errors.AsType[*wrongError](err); wrong {
		if wait := a.wrong.Take(AddressKey(c.RealIP())); wait > 0 {
			return limit.Refuse(limit.WrongCredentials, schema.CodeTooManyFailures, wait, "Too many wrong credentials came from your address. Please wait before you try others.")
		}
	}
	return err
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

// CheckActor checks that a user or credential of an account may still use exports.
// The error is Forbidden where not.
func CheckActor(ctx context.Context, d Directory, account, actor string) error {
	role, found := schema.Role(""), ""
	var err error
	if username.MatchString(actor) {
		var credential schema.Credential
		credential, err = d.Credential(ctx, actor)
		role, found = credential.Role, credential.Account
	} else {
		var person schema.Person
		person, err = d.Person(ctx, account, actor)
		role, found = person.Role, account
	}
	if schema.KindOf(err) == schema.NotFound || err == nil && found != account {
		return schema.Errorf(schema.Forbidden, schema.CodeRole, "The user or API key that this link was made for has no access any more.")
	}
	return cmp.Or(err, mayExport(Principal{Role: role}))
}
