package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// unsubscribeView is the page that ends notices of bulk jobs. It names nobody:
// whoever has the mail can open it.
type unsubscribeView struct{ Done bool }

// showUnsubscribe answers GET /unsubscribe/{token}. It changes nothing, however
// often mail scanners look.
func (w *Web) showUnsubscribe(c echo.Context) error {
	if !w.Bulk.IsUnsubscribeLink(c.Param("token")) {
		return schema.Errorf(schema.NotFound, "not_found", "This link does not lead anywhere.")
	}
	return w.show(c, http.StatusOK, "unsubscribe", "Unsubscribe", unsubscribeView{})
}

// unsubscribe answers POST /unsubscribe/{token}, of the page's button as of a
// mail program's own (RFC 8058): the link is all it takes.
func (w *Web) unsubscribe(c echo.Context) error {
	if err := w.Bulk.Unsubscribe(c.Request().Context(), c.Param("token")); err != nil {
		return err
	}
	return w.show(c, http.StatusOK, "unsubscribe", "Unsubscribed", unsubscribeView{Done: true})
}
