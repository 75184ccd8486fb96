package web

import (
	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
)

// download answers GET and HEAD /download/{token}, the link in the mail. The
// link leads to the file, and does not open it: that takes an owner or admin.
func (w *Web) download(c echo.Context) error {
	id, _, ok := w.Links.Open(schema.ToDownload, c.Param("token"))
	if !ok {
		return schema.Errorf(schema.NotFound, "not_found", "This link does not lead anywhere.")
	}
	return w.send(c, id)
}

// file answers GET and HEAD /settings/data-export/{id}/file, the button.
func (w *Web) file(c echo.Context) error { return w.send(c, c.Param("id")) }

func (w *Web) send(c echo.Context, id string) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	return w.API.ServeArchive(c, p, id)
}
