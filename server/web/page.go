package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
)

//go:embed templates
var templates embed.FS

// Pages renders the templates, each within the layout and with the parts that
// they share. It needs nothing but the site.
type Pages struct {
	base      string // path of the site, "" for most
	files     files
	templates map[string]*template.Template
}

// NewPages parses all templates. It panics where one does not parse, which no
// setting can cause.
func NewPages(site schema.Site) *Pages {
	p := &Pages{files: readFiles()}
	if at, err := url.Parse(string(site)); err == nil {
		p.base = strings.TrimSuffix(at.EscapedPath(), "/")
	}
	p.templates = parsePages(p.base, p.files)
	return p
}

// parsePages reads all templates. Only they know how things are written for
// people; addresses begin with base.
func parsePages(base string, f files) map[string]*template.Template {
	words := template.FuncMap{
		"path":   func(p string) string { return base + p },
		"static": func(name string) string { return base + f.address(name) },
		"when":   when,
		"iso":    func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
		"hours":  hours,
		"span":   span,
		"bytes":  bytesInWords,
		"count":  count,
		"plural": plural,
		"title":  title,
		"until":  until,
		"since":  since,
		"int64":  func(n int) int64 { return int64(n) },

		"at":     func(now time.Time, f schema.DayFile) fileView { return fileView{now, f} },
		"date":   date,
		"dates":  dates,
		"days":   days,
		"status": func(s schema.DayStatus) string { return statusWords[s] },
		"wrong": func(problems map[string]string, field string) wrong {
			return wrong{field + "-problem", problems[field]}
		},
		"wrongOf": func(problems map[string]string, field string, t schema.ResourceType) wrong {
			return wrong{field + "-problem-" + string(t), problems[field]}
		},
		"attributes": wrong.attributes,
	}
	layout := template.Must(template.New("layout.html").Funcs(words).ParseFS(templates, "templates/layout.html", "templates/parts/*.html"))
	found := map[string]*template.Template{}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	for _, name := range names {
		if base := path.Base(name); base != "layout.html" {
			found[strings.TrimSuffix(base, ".html")] = template.Must(template.Must(layout.Clone()).ParseFS(templates, name))
		}
	}
	return found
}

// page is what the layout knows.
type page struct {
	Title   string
	Now     time.Time     // as our clock has it, for the countdowns of others
	Person  schema.Person // empty for whoever is not signed in
	Account schema.Account
	Body    any
}

// show answers with a page. It is written whole or not at all.
func (p *Pages) show(c echo.Context, status int, name, title string, body any) error {
	var html bytes.Buffer
	err := p.templates[name].Execute(&html, page{Title: title, Now: time.Now(), Person: auth.PersonOf(c), Account: auth.AccountOf(c), Body: body})
	if err != nil {
		return fmt.Errorf("write page %s: %w", name, err)
	}
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderCookie)
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept)
	return c.HTMLBlob(status, html.Bytes())
}

// fragment writes a part of a page.
func (p *Pages) fragment(page, part string, data any) (string, error) {
	var html bytes.Buffer
	if err := p.templates[page].ExecuteTemplate(&html, part, data); err != nil {
		return "", fmt.Errorf("write %s of page %s: %w", part, page, err)
	}
	return html.String(), nil
}
