package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
)

//go:embed templates/*.html
var templates embed.FS

// pages are the templates by name, each within the layout.
type pages map[string]*template.Template

// parsePages reads all templates. Only they know how things are written for
// people; addresses begin with base.
func parsePages(base string, f files) pages {
	words := template.FuncMap{
		"path":   func(p string) string { return base + p },
		"static": func(name string) string { return base + f.address(name) },
		"when":   when,
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"hours":  hours,
		"bytes":  bytesInWords,
		"count":  count,
		"title":  title,
	}
	layout := template.Must(template.New("layout.html").Funcs(words).ParseFS(templates, "templates/layout.html", "templates/parts.html"))
	found := pages{}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if base := path.Base(name); base != "layout.html" && base != "parts.html" {
			found[strings.TrimSuffix(base, ".html")] = template.Must(template.Must(layout.Clone()).ParseFS(templates, name))
		}
	}
	return found
}

// page is what the layout knows.
type page struct {
	Title   string
	Person  schema.Person // empty for whoever is not signed in
	Account schema.Account
	Body    any
}

// show answers with a page. It is written whole or not at all.
func (w *Web) show(c echo.Context, status int, name, title string, body any) error {
	var html bytes.Buffer
	err := w.pages[name].Execute(&html, page{Title: title, Person: auth.PersonOf(c), Account: auth.AccountOf(c), Body: body})
	if err != nil {
		return fmt.Errorf("write page %s: %w", name, err)
	}
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderCookie)
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept)
	return c.HTMLBlob(status, html.Bytes())
}

// when writes a time for people, in UTC because the server knows no other.
func when(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// hours writes a window for people.
func hours(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch {
		case d == unit.length:
			return "1 " + unit.name
		case d >= unit.length && d%unit.length == 0:
			return count(int64(d/unit.length)) + " " + unit.name + "s"
		}
	}
	return d.String()
}

// bytesInWords writes a size for people, in the units of disks.
func bytesInWords(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	value, unit := float64(n), 0
	for value >= 1000 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 {
		return count(n) + " bytes"
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit]
}

// count writes a number with its thousands apart.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// title is a category as it begins a line.
func title(c schema.Category) string {
	words := c.Title()
	return strings.ToUpper(words[:1]) + words[1:]
}
