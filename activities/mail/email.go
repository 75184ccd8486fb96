package mail

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"unicode/utf8"

	"satchel/schema"
)

// email is the content of an email, from which both HTML and text are rendered. Both
// show all of it, except that only the HTML has the heading and the preheader, which
// repeat the subject and the introduction.
type email struct {
	Brand       Brand
	Product     string // "" for Data Export
	Subject     string
	Preheader   string // shown next to the subject in a list of emails
	Heading     string
	Intro       []string // paragraphs
	Action      *link    // the main button
	Facts       []fact
	Sections    []section
	Footer      string
	Unsubscribe *link // nil for emails that cannot be unsubscribed from
}

type link struct {
	Label       string
	URL         string
	Destructive bool // it stops or deletes something
}

type fact struct {
	Label string
	Value string
	Code  bool // shown in a monospaced font
}

type section struct {
	Heading    string
	Paragraphs []string
	Link       *link
}

//go:embed templates
var templates embed.FS

var (
	htmlLayout = htmltemplate.Must(htmltemplate.ParseFS(templates, "templates/layout.html"))
	textLayout = texttemplate.Must(texttemplate.New("layout.txt").
			Funcs(texttemplate.FuncMap{"wrap": wrap}).
			ParseFS(templates, "templates/layout.txt"))
)

// Sender is the line above the heading: the platform and the product.
func (e email) Sender() string {
	product := cmp.Or(e.Product, "Data Export")
	if e.Brand.Name == "" {
		return product
	}
	return e.Brand.Name + " · " + product
}

// SupportURL is where the link to support leads, or "".
func (b Brand) SupportURL() string { return schema.ContactURL(b.Support) }

func (e email) render() (html, text string, err error) {
	var h, t bytes.Buffer
	if err := htmlLayout.Execute(&h, e); err != nil {
		return "", "", fmt.Errorf("render the HTML of an email: %w", err)
	}
	if err := textLayout.Execute(&t, e); err != nil {
		return "", "", fmt.Errorf("render the text of an email: %w", err)
	}
	return h.String(), t.String(), nil
}

const lineLength = 72

// wrap breaks a paragraph into lines. It does not break words, however long.
func wrap(paragraph string) string {
	var out strings.Builder
	column := 0
	for i, word := range strings.Fields(paragraph) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width > lineLength:
			out.WriteByte('\n')
			column = 0
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += width
	}
	return out.String()
}
