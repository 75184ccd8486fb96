package auth

import (
	"cmp"
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// Method is how a request was authenticated.
type Method string

// The methods.
const (
	Session Method = "session" // a browser's cookie
	Bearer  Method = "bearer"  // a JWT of the host application
	Basic   Method = "basic"   // an account SID or API key with its secret
)

// Principal is an authenticated person of an account, or the account itself by
// its own credentials.
type Principal struct {
	Account    string
	User       string // "" for the account's own credentials
	Role       schema.Role
	Method     Method
	Credential string // the user name of HTTP Basic, else ""
}

// IsPerson reports whether the principal is a person who has signed in, and not
// a program with a long-lived secret.
func (p Principal) IsPerson() bool {
	return p.User != "" && (p.Method == Session || p.Method == Bearer)
}

// Actor is how the principal is recorded in the audit trail: the user, or else
// the credential.
func (p Principal) Actor() string { return cmp.Or(p.User, p.Credential) }

// Key identifies the principal for rate limits.
func (p Principal) Key() string { return p.Account + "/" + p.User + "/" + p.Credential }

// identity is what Identify keeps with a request.
type identity struct {
	Principal
	person  schema.Person
	account schema.Account
	denial  error // why the principal has no access although it is authenticated, or nil

	auth         *Auth
	sessionUntil time.Time // the latest end of a browser's session
}

const contextKey = "satchel.principal"

// Of returns the principal of a request. The error is Unauthenticated where it
// is anonymous, and Forbidden where the account is suspended.
func Of(c echo.Context) (Principal, error) {
	who, ok := c.Get(contextKey).(identity)
	if !ok {
		return Principal{}, schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "Please sign in.")
	}
	return who.Principal, who.denial
}

// PersonOf returns the person who is signed in. It is empty for anonymous
// requests and for programs.
func PersonOf(c echo.Context) schema.Person {
	who, _ := c.Get(contextKey).(identity)
	return who.person
}

// AccountOf returns the account of the person who is signed in.
func AccountOf(c echo.Context) schema.Account {
	who, _ := c.Get(contextKey).(identity)
	return who.account
}

// Exporter returns the principal of a request that may use exports. The error
// is Forbidden where it is neither an owner nor an admin.
func Exporter(c echo.Context) (Principal, error) {
	p, err := Of(c)
	return p, cmp.Or(err, mayExport(p))
}

// Reauthorize authenticates a request again, for answers that go on for long.
// The error says that it is no longer the same principal, or that the principal
// may no longer use exports. It counts neither as use of a session nor as a
// failed sign-in.
func Reauthorize(ctx context.Context, c echo.Context) error {
	before, err := Exporter(c)
	if err != nil {
		return err
	}
	who, _ := c.Get(contextKey).(identity)
	now, err := who.auth.reauthenticate(ctx, c.Request(), before)
	if err != nil {
		return err
	}
	return cmp.Or(now.denial, mayExport(now.Principal))
}

// StillAllowed checks that the principal of a request, whose answer has begun and
// goes on for long, may still use exports. Unlike Reauthorize, it accepts credentials
// that have expired since: the answer was begun in time. A browser's session counts as
// in use meanwhile.
func StillAllowed(ctx context.Context, c echo.Context) error {
	before, err := Exporter(c)
	if err != nil {
		return err
	}
	who, _ := c.Get(contextKey).(identity)
	now, err := who.auth.identifyAgain(ctx, c.Request(), who)
	if err != nil {
		return err
	}
	if now.Key() != before.Key() {
		return signedOut()
	}
	return cmp.Or(now.denial, mayExport(now.Principal))
}

func signedOut() error {
	return schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "You have been signed out.")
}

func mayExport(p Principal) error {
	if !p.Role.MayExport() {
		return schema.Errorf(schema.Forbidden, schema.CodeRole, "Only an owner or admin of this account can do this.")
	}
	return nil
}
