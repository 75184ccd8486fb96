package mailbox

import (
	"embed"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
)

//go:embed *.html *.css *.js
var files embed.FS

var pages = template.Must(template.New("mailbox").Funcs(template.FuncMap{
	"join": strings.Join, "name": nameOf, "preview": previewOf,
}).ParseFS(files, "*.html"))

func (m *Mailbox) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /emails", m.send)
	mux.HandleFunc("GET /messages", m.list)
	mux.HandleFunc("POST /faults", m.setFault)
	mux.HandleFunc("DELETE /faults", m.setFault)
	mux.HandleFunc("GET /{$}", m.showPage)
	mux.HandleFunc("GET /list", m.showList)
	mux.HandleFunc("GET /mails/{id}", m.showPage)
	mux.HandleFunc("GET /mails/{id}/html", m.showHTML)
	mux.Handle("GET /mailbox.css", http.FileServerFS(files))
	mux.Handle("GET /mailbox.js", http.FileServerFS(files))
	return mux
}

// list handles GET /messages.
func (m *Mailbox) list(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, m.Messages())
}

// pageView is the data of the page: all mails, and the open one.
type pageView struct {
	Mails []storedMail // newest first
	Open  *storedMail
	look
}

// look is how a mail is shown: as HTML or text, at which width, in which colours.
// The zero value is HTML at desktop width in the colours of the browser.
type look struct {
	Text, Phone bool
	Colours     string // "", "light" or "dark"
}

func lookOf(r *http.Request) look {
	q := r.URL.Query()
	l := look{Text: q.Has("text"), Phone: q.Has("phone")}
	if colours := q.Get("colours"); colours == "light" || colours == "dark" {
		l.Colours = colours
	}
	return l
}

// Query returns the look as the query of a URL.
func (l look) Query() template.URL {
	var words []string
	if l.Text {
		words = append(words, "text")
	}
	if l.Phone {
		words = append(words, "phone")
	}
	if l.Colours != "" {
		words = append(words, "colours="+l.Colours)
	}
	if len(words) == 0 {
		return ""
	}
	return template.URL("?" + strings.Join(words, "&")) //nolint:gosec // constant words only
}

// These return the look with one field changed.

func (l look) AsText(is bool) look    { l.Text = is; return l }
func (l look) OnPhone(is bool) look   { l.Phone = is; return l }
func (l look) In(colours string) look { l.Colours = colours; return l }

// showPage handles GET / and GET /mails/{id}.
func (m *Mailbox) showPage(w http.ResponseWriter, r *http.Request) {
	view := pageView{Mails: m.newestFirst(), look: lookOf(r)}
	if id := r.PathValue("id"); id != "" {
		open, ok := m.find(id)
		if !ok {
			http.NotFound(w, r)
			return
		}
		view.Open = &open
		view.Text = open.HTML == "" || view.Text && open.Text != ""
	}
	show(w, "page.html", view)
}

// showList handles GET /list: the list of mails, which the page reloads when mail
// has arrived.
func (m *Mailbox) showList(w http.ResponseWriter, r *http.Request) {
	view := pageView{Mails: m.newestFirst(), look: lookOf(r)}
	if open, ok := m.find(r.URL.Query().Get("open")); ok {
		view.Open = &open
	}
	show(w, "list.html", view)
}

// showHTML handles GET /mails/{id}/html: the mail's own HTML in a sandbox without
// scripts, whose links open in a new tab. The query may override the colours of
// the browser.
func (m *Mailbox) showHTML(w http.ResponseWriter, r *http.Request) {
	mail, ok := m.find(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox allow-popups allow-popups-to-escape-sandbox allow-downloads; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, withColours(mail.HTML, lookOf(r).Colours)) // the client has closed the connection
}

// withColours returns a mail's HTML as a light or a dark client shows it, or for
// "" unchanged but for the target of its links.
func withColours(mail, colours string) string {
	own := `<base target="_blank">`
	switch colours {
	case "light":
		own += `<style>:root { color-scheme: light !important }</style>`
		mail = strings.ReplaceAll(mail, "(prefers-color-scheme: dark)", "not all")
	case "dark":
		own += `<style>:root { color-scheme: dark !important }</style>`
		mail = strings.ReplaceAll(mail, "(prefers-color-scheme: dark)", "all")
	}
	if before, after, found := strings.Cut(mail, "<head>"); found {
		return before + "<head>" + own + after
	}
	return own + mail
}

// nameOf returns the name in an address, or the address.
func nameOf(address string) string {
	if a, err := mail.ParseAddress(address); err == nil && a.Name != "" {
		return a.Name
	}
	return address
}

var hidden = regexp.MustCompile(`(?s)<div style="display:none[^>]*>(.*?)</div>`)

// previewOf returns the line that clients show below a subject: the mail's hidden
// preheader, or the beginning of its text.
func previewOf(m storedMail) string {
	if found := hidden.FindStringSubmatch(m.HTML); found != nil {
		return strings.TrimSpace(html.UnescapeString(found[1]))
	}
	words := strings.Fields(m.Text)
	return strings.Join(words[:min(len(words), 20)], " ")
}

func show(w http.ResponseWriter, page string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_ = pages.ExecuteTemplate(w, page, data) // the client has closed the connection
}
