package web

import (
	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// download handles GET and HEAD /download/{token}, the link in the mail. The link names the
// file but does not authorize the download: that takes an owner or admin. Having the link
// proves knowledge of the export, so another account gets 403 rather than 404.
func (w *Web) download(c echo.Context) error {
	id, _, ok := w.Links.Verify(schema.ToDownload, c.Param("token"))
	if !ok {
		return schema.Errorf(schema.NotFound, schema.CodeNotFound, "This link is not valid.")
	}
	err := w.sendArchive(c, id)
	if schema.KindOf(err) == schema.NotFound {
		return wrongAccount()
	}
	return err
}

// downloadFile handles GET and HEAD /settings/data-export/{id}/file, the button on the page.
func (w *Web) downloadFile(c echo.Context) error { return w.sendArchive(c, c.Param("id")) }

func (w *Web) sendArchive(c echo.Context, id string) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	if _, back := c.QueryParams()[signedInParam]; back && p.IsPerson() && !resumesFile(c) {
		return w.returnAfterSignIn(c, p, id)
	}
	return w.API.ServeArchive(c, p, id)
}

// signedInParam marks the URL of a file that a browser returns to after signing in.
const signedInParam = "signed-in"

// returnAfterSignIn redirects to the page with the download button, which its script presses: a
// download alone would leave the browser on the sign-in page.
func (w *Web) returnAfterSignIn(c echo.Context, p auth.Principal, id string) error {
	e, err := w.API.Get(c.Request().Context(), p, id)
	if err != nil {
		return err
	}
	if e.Status != schema.Completed {
		return w.API.ServeArchive(c, p, id) // answers why there is no file
	}
	return w.redirect(c, dataExport+"?download="+e.ID)
}

// signInReason says why the request needs a sign-in.
func (w *Web) signInReason(c echo.Context, sentence string) string {
	if respond.PolicyOf(c).File {
		return "Please sign in as an owner or admin of the account to download the file."
	}
	return sentence
}

// signInReturn is the path to return to after signing in.
func (w *Web) signInReturn(c echo.Context) string {
	back := w.returnPath(c.Request())
	if respond.PolicyOf(c).File && c.QueryString() == "" {
		back += "?" + signedInParam
	}
	return back
}
