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
	writeJSON(w, http.StatusOK, m.Messages())
}

// pageView is the data of the page: all mails, and the open one.
type pageView struct {
	Mails []storedMail // newest first
	Open  *storedMail
	viewOptions
}

// viewOptions select how a mail is shown. The zero value is HTML at desktop width in
// the colours of the browser.
type viewOptions struct {
	Text, Phone bool
	Colours     string // "", "light" or "dark"
}

func viewOptionsOf(r *http.Request) viewOptions {
	q := r.URL.Query()
	o := viewOptions{Text: q.Has("text"), Phone: q.Has("phone")}
	if colours := q.Get("colours"); colours == "light" || colours == "dark" {
		o.Colours = colours
	}
	return o
}

// Query returns the options as the query of a URL.
func (o viewOptions) Query() template.URL {
	var words []string
	if o.Text {
		words = append(words, "text")
	}
	if o.Phone {
		words = append(words, "phone")
	}
	if o.Colours != "" {
		words = append(words, "colours="+o.Colours)
	}
	if len(words) == 0 {
		return ""
	}
	return template.URL("?" + strings.Join(words, "&")) //nolint:gosec // constant words only
}

// These return the options with one field changed.

func (o viewOptions) AsText(is bool) viewOptions    { o.Text = is; return o }
func (o viewOptions) OnPhone(is bool) viewOptions   { o.Phone = is; return o }
func (o viewOptions) In(colours string) viewOptions { o.Colours = colours; return o }

// showPage handles GET / and GET /mails/{id}.
func (m *Mailbox) showPage(w http.ResponseWriter, r *http.Request) {
	view := pageView{Mails: m.newestFirst(), viewOptions: viewOptionsOf(r)}
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
	view := pageView{Mails: m.newestFirst(), viewOptions: viewOptionsOf(r)}
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
	_, _ = io.WriteString(w, withColours(mail.HTML, viewOptionsOf(r).Colours)) // the client has closed the connection
}

// withColours returns a mail's HTML as a light or a dark client shows it. "" changes
// only the target of its links.
func withColours(mail, colours string) string {
	extra := `<base target="_blank">`
	switch colours {
	case "light":
		extra += `<style>:root { color-scheme: light !important }</style>`
		mail = strings.ReplaceAll(mail, "(prefers-color-scheme: dark)", "not all")
	case "dark":
		extra += `<style>:root { color-scheme: dark !important }</style>`
		mail = strings.ReplaceAll(mail, "(prefers-color-scheme: dark)", "all")
	}
	if before, after, found := strings.Cut(mail, "<head>"); found {
		return before + "<head>" + extra + after
	}
	return extra + mail
}

// nameOf returns the name in an address, or the address.
func nameOf(address string) string {
	if a, err := mail.ParseAddress(address); err == nil && a.Name != "" {
		return a.Name
	}
	return address
}

var preheader = regexp.MustCompile(`(?s)<div style="display:none[^>]*>(.*?)</div>`)

// previewOf returns the line that clients show below a subject: the mail's hidden
// preheader, or the beginning of its text.
func previewOf(m storedMail) string {
	if found := preheader.FindStringSubmatch(m.HTML); found != nil {
		return strings.TrimSpace(html.UnescapeString(found[1]))
	}
	words := strings.Fields(m.Text)
	return strings.Join(words[:min(len(words), 20)], " ")
}

// show executes a template of the pages.
func show(w http.ResponseWriter, page string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_ = pages.ExecuteTemplate(w, page, data) // the client has closed the connection
}
