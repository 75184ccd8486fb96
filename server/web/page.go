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

// Pages renders the templates, each with the layout and the shared parts. It needs nothing but
// the site.
type Pages struct {
	base      string // path of the site, often ""
	files     staticFiles
	templates map[string]*template.Template
	hasBulk   bool   // whether there are bulk exports
	support   string // where customers get help: an email address, a URL or ""
}

// NewPages parses all templates. It panics if one does not parse, which no setting can cause.
// Support is where customers get help: an email address, a URL or "".
func NewPages(site schema.Site, hasBulk bool, support string) *Pages {
	p := &Pages{files: readStaticFiles(), hasBulk: hasBulk, support: support}
	if at, err := url.Parse(string(site)); err == nil {
		p.base = strings.TrimSuffix(at.EscapedPath(), "/")
	}
	p.templates = p.parse()
	return p
}

// parse parses all templates.
func (p *Pages) parse() map[string]*template.Template {
	functions := template.FuncMap{
		"path":   func(path string) string { return p.base + path },
		"static": func(name string) string { return p.base + p.files.url(name) },

		"hasBulk":    func() bool { return p.hasBulk },
		"support":    func() string { return p.support },
		"contactURL": schema.ContactURL,
		"formatTime": formatTime,
		"iso":        func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
		"until":      until,
		"duration":   formatDuration,
		"days":       formatDays,
		"elapsed":    formatElapsed,
		"date":       formatDate,
		"dateRange":  formatDateRange,

		"bytes":  schema.FormatBytes,
		"count":  schema.FormatCount,
		"plural": schema.Plural,
		"int64":  func(n int) int64 { return int64(n) },

		"categoryTitle": categoryTitle,
		"statusTitle":   statusTitle,
		"fileAt":        func(now time.Time, f schema.DayFile) fileView { return fileView{now, f} },
		"status":        func(s schema.DayStatus) string { return statusLabels[s] },
		"fieldError": func(problems map[string]string, field string) fieldError {
			return fieldError{field + "-problem", problems[field]}
		},
		"fieldErrorOf": func(problems map[string]string, field string, t schema.ResourceType) fieldError {
			return fieldError{field + "-problem-" + string(t), problems[field]}
		},
		"attributes": fieldError.attributes,
	}
	layout := template.Must(template.New("layout.html").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts/*.html"))
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

// layoutData is the data of the layout.
type layoutData struct {
	Title   string
	Now     time.Time     // the server's time, for countdowns
	Person  schema.Person // zero if not signed in
	Account schema.Account
	Body    any
}

// render answers with a page. It is buffered, so that a failed template sends nothing.
func (p *Pages) render(c echo.Context, status int, name, title string, body any) error {
	var html bytes.Buffer
	err := p.templates[name].Execute(&html, layoutData{Title: title, Now: time.Now(), Person: auth.PersonOf(c), Account: auth.AccountOf(c), Body: body})
	if err != nil {
		return fmt.Errorf("write page %s: %w", name, err)
	}
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderCookie)
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept)
	return c.HTMLBlob(status, html.Bytes())
}

// renderFragment renders a named part of a page.
func (p *Pages) renderFragment(page, part string, data any) (string, error) {
	var html bytes.Buffer
	if err := p.templates[page].ExecuteTemplate(&html, part, data); err != nil {
		return "", fmt.Errorf("write %s of page %s: %w", part, page, err)
	}
	return html.String(), nil
}
