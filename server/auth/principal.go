package auth

import (
	"cmp"
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// Method is the way somebody came in.
type Method string

// The ways in.
const (
	Session Method = "session" // a browser's cookie
	Bearer  Method = "bearer"  // a JWT of the host application
	Basic   Method = "basic"   // an account SID or API key with its secret
)

// Principal is whoever is asking: a person of an account, or the account
// itself by its own credentials.
type Principal struct {
	Account    string
	User       string // "" for the account's own credentials
	Role       schema.Role
	Method     Method
	Credential string // the user name of HTTP Basic, else ""
}

// IsPerson tells whether somebody is there, rather than a program that holds
// a long-lived secret.
func (p Principal) IsPerson() bool {
	return p.User != "" && (p.Method == Session || p.Method == Bearer)
}

// Key names the principal where requests are counted.
func (p Principal) Key() string { return p.Account + "/" + p.User + "/" + p.Credential }

// known is what Identify found out about a request.
type known struct {
	Principal
	person  schema.Person
	account schema.Account
	refused error // why a session is not let in

	still func(context.Context, *http.Request, Principal) (*known, error)
}

const contextKey = "satchel.principal"

// Of returns whoever is asking. The error is Unauthenticated for the
// anonymous, and Forbidden where the account is suspended.
func Of(c echo.Context) (Principal, error) {
	k, ok := c.Get(contextKey).(known)
	if !ok {
		return Principal{}, schema.Errorf(schema.Unauthenticated, "unauthenticated", "Please sign in.")
	}
	return k.Principal, k.refused
}

// PersonOf returns the person who is signed in, for their own eyes. It is
// empty for the anonymous and for programs.
func PersonOf(c echo.Context) schema.Person {
	k, _ := c.Get(contextKey).(known)
	return k.person
}

// AccountOf returns the account of whoever is asking.
func AccountOf(c echo.Context) schema.Account {
	k, _ := c.Get(contextKey).(known)
	return k.account
}

// Exporter returns whoever is asking, provided that they may do something
// with exports: an owner or an admin, else the error is Forbidden.
func Exporter(c echo.Context) (Principal, error) {
	p, err := Of(c)
	return p, cmp.Or(err, mayExport(p))
}

// StillExporter finds out anew whether whoever sent a request is let in as the
// same, and may still do something with exports: an answer that goes on for
// long asks now and then. It counts neither as use of a session nor as a failed
// sign-in.
func StillExporter(ctx context.Context, c echo.Context) error {
	was, err := Exporter(c)
	if err != nil {
		return err
	}
	k, _ := c.Get(contextKey).(known)
	now, err := k.still(ctx, c.Request(), was)
	if err != nil {
		return err
	}
	return cmp.Or(now.refused, mayExport(now.Principal))
}

func mayExport(p Principal) error {
	if !p.Role.MayExport() {
		return schema.Errorf(schema.Forbidden, "role", "Only an owner or admin of this account can do this.")
	}
	return nil
}

// RequireExporter lets only those in whom Exporter lets in.
func RequireExporter(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, err := Exporter(c); err != nil {
			return err
		}
		return next(c)
	}
}
