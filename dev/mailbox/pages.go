package mailbox

import (
	_ "embed"
	"html/template"
	"io"
	"net/http"
	"strings"
)

//go:embed list.html
var listHTML string

//go:embed mail.html
var mailHTML string

var (
	listPage = template.Must(template.New("list").Funcs(words).Parse(listHTML))
	mailPage = template.Must(template.New("mail").Funcs(words).Parse(mailHTML))
	words    = template.FuncMap{"join": strings.Join}
)

func (m *Mailbox) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /emails", m.send)
	mux.HandleFunc("GET /messages", m.list)
	mux.HandleFunc("POST /faults", m.order)
	mux.HandleFunc("DELETE /faults", m.order)
	mux.HandleFunc("GET /{$}", m.showList)
	mux.HandleFunc("GET /mails/{id}", m.showMail)
	mux.HandleFunc("GET /mails/{id}/html", m.showHTML)
	return mux
}

// list answers GET /messages.
func (m *Mailbox) list(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, m.Messages())
}

// showList answers GET /.
func (m *Mailbox) showList(w http.ResponseWriter, _ *http.Request) { show(w, listPage, m.Messages()) }

// showMail answers GET /mails/{id}.
func (m *Mailbox) showMail(w http.ResponseWriter, r *http.Request) {
	mail, ok := m.find(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	show(w, mailPage, mail)
}

// showHTML answers GET /mails/{id}/html: the mail as its sender wrote it, in a
// sandbox in which nothing runs and whose links open in a new tab.
func (m *Mailbox) showHTML(w http.ResponseWriter, r *http.Request) {
	mail, ok := m.find(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'")
	_, _ = io.WriteString(w, `<base target="_blank">`+mail.HTML) // a caller who hung up needs no answer
}

func show(w http.ResponseWriter, page *template.Template, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = page.Execute(w, data) // likewise
}
