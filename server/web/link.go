package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// linkedExport is the export that a mailed link names.
type linkedExport struct {
	ID        string
	Export    schema.Export
	Known     bool // whether Export is set: its row may not be written yet
	Principal auth.Principal
	SignedIn  bool
}

// wrongAccount is the error of a link to an export of another account than the signed-in one.
func wrongAccount() error {
	return schema.Errorf(schema.Forbidden, schema.CodeOtherAccount,
		"This link belongs to another account, not the one you are signed in to. Please sign in as an owner or admin of that account to continue.")
}

// openLink resolves the link in the request. Anonymous requests may see it; a signed-in user
// must be an owner or admin of the export's account.
func (w *Web) openLink(c echo.Context, purpose schema.Purpose) (linkedExport, error) {
	id, _, ok := w.Links.Verify(purpose, c.Param("token"))
	if !ok {
		return linkedExport{}, schema.Errorf(schema.NotFound, schema.CodeNotFound, "This link is not valid.")
	}
	ctx := c.Request().Context()
	p, err := auth.Exporter(c)
	if schema.KindOf(err) == schema.Unauthenticated {
		e, err := w.Exports.Export(ctx, id)
		if schema.KindOf(err) == schema.NotFound { // its row is not written yet
			return linkedExport{ID: id}, nil
		}
		return linkedExport{ID: id, Export: e, Known: true}, err
	}
	if err != nil {
		return linkedExport{}, err
	}
	e, err := w.API.Get(ctx, p, id)
	if schema.KindOf(err) == schema.NotFound {
		return linkedExport{}, wrongAccount()
	}
	return linkedExport{ID: id, Export: e, Known: true, Principal: p, SignedIn: true}, err
}

// openLinkForAction resolves the link for a request that performs its action. It requires a
// signed-in person: the mail was meant for a person, not a program.
func (w *Web) openLinkForAction(c echo.Context, purpose schema.Purpose) (linkedExport, error) {
	l, err := w.openLink(c, purpose)
	switch {
	case err != nil:
		return linkedExport{}, err
	case !l.SignedIn:
		return linkedExport{}, schema.Errorf(schema.Unauthenticated, schema.CodeUnauthenticated, "Please sign in as an owner or admin of the account to continue.")
	case !l.Principal.IsPerson():
		return linkedExport{}, schema.Errorf(schema.Forbidden, schema.CodePersonNeeded, "Only a person who is signed in can do this. The secret of an account or API key is not sufficient.")
	}
	return l, nil
}

// respondAccepted answers a submitted form: programs get the export as JSON, browsers are
// redirected to the page.
func (w *Web) respondAccepted(c echo.Context, e schema.Export, page string) error {
	if respond.WantsJSON(c.Request()) {
		return c.JSON(http.StatusAccepted, w.API.View(e))
	}
	return w.redirect(c, page)
}

// signInPath is the sign-in page, returning to the current page.
func (w *Web) signInPath(c echo.Context) string {
	return w.base + "/sign-in?" + url.Values{"return": {w.returnPath(c.Request())}}.Encode()
}
