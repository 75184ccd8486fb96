package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// explainView is a page of text.
type explainView struct {
	Title      string
	Paragraphs []string
}

// Explain renders a page of text. It needs no sign-in.
func (p *Pages) Explain(c echo.Context, title string, paragraphs []string) error {
	return p.render(c, http.StatusOK, "explain", title, explainView{title, paragraphs})
}
