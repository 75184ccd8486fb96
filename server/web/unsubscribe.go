package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// unsubscribeView is the page that ends job notices. It shows no names: anyone with the mail
// can open it.
type unsubscribeView struct{ Done bool }

// showUnsubscribe handles GET /unsubscribe/{token}. It changes nothing, so that mail scanners
// can follow the link.
func (w *Web) showUnsubscribe(c echo.Context) error {
	if !w.Bulk.IsUnsubscribeLink(c.Param("token")) {
		return schema.Errorf(schema.NotFound, schema.CodeNotFound, "This link is not valid.")
	}
	return w.render(c, http.StatusOK, "unsubscribe", "Unsubscribe", unsubscribeView{})
}

// unsubscribe handles POST /unsubscribe/{token}, from the page's button or a mail program's
// one-click request (RFC 8058). The link is the only authorization.
func (w *Web) unsubscribe(c echo.Context) error {
	if err := w.Bulk.Unsubscribe(c.Request().Context(), c.Param("token")); err != nil {
		return err
	}
	return w.render(c, http.StatusOK, "unsubscribe", "Unsubscribed", unsubscribeView{Done: true})
}
