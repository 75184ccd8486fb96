package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// explainView is a page to read.
type explainView struct {
	Title      string
	Paragraphs []string
}

// Explain answers with a page to read, for whoever comes.
func (p *Pages) Explain(c echo.Context, title string, paragraphs []string) error {
	return p.show(c, http.StatusOK, "explain", title, explainView{title, paragraphs})
}
