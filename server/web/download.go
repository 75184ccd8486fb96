package web

import (
	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
)

// download answers GET and HEAD /download/{token}, the link in the mail. The
// link leads to the file, and does not open it: that takes an owner or admin.
// Whoever has the link knows that there is such an export.
func (w *Web) download(c echo.Context) error {
	id, _, ok := w.Links.Open(schema.ToDownload, c.Param("token"))
	if !ok {
		return schema.Errorf(schema.NotFound, "not_found", "This link does not lead anywhere.")
	}
	err := w.send(c, id)
	if schema.KindOf(err) == schema.NotFound {
		return elsewhere()
	}
	return err
}

// file answers GET and HEAD /settings/data-export/{id}/file, the button.
func (w *Web) file(c echo.Context) error { return w.send(c, c.Param("id")) }

func (w *Web) send(c echo.Context, id string) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	if _, back := c.QueryParams()[signedIn]; back && p.IsPerson() {
		return w.land(c, p, id)
	}
	return w.API.ServeArchive(c, p, id)
}

// signedIn is in the address of a file that a browser comes back to after
// signing in.
const signedIn = "signed-in"

// land shows whoever came back the page with the file on it: a download would
// leave them looking at the page where they signed in.
func (w *Web) land(c echo.Context, p auth.Principal, id string) error {
	e, err := w.API.Get(c.Request().Context(), p, id)
	if err != nil {
		return err
	}
	if e.Status != schema.Completed {
		return w.API.ServeArchive(c, p, id) // which says why there is no file
	}
	return w.goTo(c, dataExport)
}

// isFile tells whether a route leads to a file.
func isFile(c echo.Context) bool {
	return c.Path() == "/download/:token" || c.Path() == "/settings/data-export/:id/file"
}

// whySignIn says what there is to see behind the sign-in.
func (w *Web) whySignIn(c echo.Context, sentence string) string {
	if isFile(c) {
		return "Sign in as an owner or admin of the account to download the file."
	}
	return sentence
}

// signInReturn is where a request that needs a sign-in goes on afterwards.
func (w *Web) signInReturn(c echo.Context) string {
	back := w.returnPath(c.Request())
	if isFile(c) && c.QueryString() == "" {
		back += "?" + signedIn
	}
	return back
}
