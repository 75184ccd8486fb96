package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// linked is what a mailed link leads to, for whoever follows it.
type linked struct {
	ID        string
	Export    schema.Export
	Known     bool // whether Export is: not always to whoever is not signed in
	Principal auth.Principal
	SignedIn  bool
}

// otherAccount is the code of a link that is about another account than the
// one that somebody is signed in to.
const otherAccount = "other_account"

func elsewhere() error {
	return schema.Errorf(schema.Forbidden, otherAccount,
		"This link is about another account, not the one you are signed in to. Sign in as an owner or admin of that account to go on.")
}

// follow opens the request's link. Without signing in it can be looked at;
// whoever is signed in must be an owner or admin of the account it is about.
func (w *Web) follow(c echo.Context, purpose schema.Purpose) (linked, error) {
	id, _, ok := w.Links.Open(purpose, c.Param("token"))
	if !ok {
		return linked{}, schema.Errorf(schema.NotFound, "not_found", "This link does not lead anywhere.")
	}
	ctx := c.Request().Context()
	p, err := auth.Exporter(c)
	if schema.KindOf(err) == schema.Unauthenticated {
		e, err := w.Exports.Export(ctx, id)
		if schema.KindOf(err) == schema.NotFound { // its row is still to be written
			return linked{ID: id}, nil
		}
		return linked{ID: id, Export: e, Known: true}, err
	}
	if err != nil {
		return linked{}, err
	}
	e, err := w.API.Get(ctx, p, id)
	if schema.KindOf(err) == schema.NotFound {
		return linked{}, elsewhere()
	}
	return linked{ID: id, Export: e, Known: true, Principal: p, SignedIn: true}, err
}

// act opens the request's link for somebody who is to do what it is for: a
// person who is signed in, not a program, since a mail asked for a person.
func (w *Web) act(c echo.Context, purpose schema.Purpose) (linked, error) {
	l, err := w.follow(c, purpose)
	switch {
	case err != nil:
		return linked{}, err
	case !l.SignedIn:
		return linked{}, schema.Errorf(schema.Unauthenticated, "unauthenticated", "Please sign in as an owner or admin of the account to go on.")
	case !l.Principal.IsPerson():
		return linked{}, schema.Errorf(schema.Forbidden, "person_needed", "This must be done by a person who is signed in, not with an account’s or API key’s secret.")
	}
	return l, nil
}

// done answers a form that was sent: programs with the export as it stands,
// browsers by the page they came from, which says so.
func (w *Web) done(c echo.Context, e schema.Export, page string) error {
	if respond.WantsJSON(c.Request()) {
		return c.JSON(http.StatusAccepted, w.API.View(e))
	}
	return w.goTo(c, page)
}

// signInPath leads to the page where people sign in and come back here.
func (w *Web) signInPath(c echo.Context) string {
	return w.base + "/sign-in?" + url.Values{"return": {w.returnPath(c.Request())}}.Encode()
}
