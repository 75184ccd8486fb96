package mail

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"unicode/utf8"
)

// letter is what a mail says, before it is dressed as HTML or text. Both show
// everything in it, but for the heading and the preheader: those repeat in
// large and in small what the subject and the first lines say.
type letter struct {
	Part      string // of the product; Data Export where it is not named
	Subject   string
	Preheader string // what a list of mails shows beside the subject
	Heading   string
	Intro     []string // paragraphs
	Action    *link    // the one thing to do
	Facts     []fact
	More      []section
	Footer    string
	Leave     *link // the way to get no more of these
}

type link struct {
	Label string
	URL   string
	Grave bool // it ends something
}

type fact struct {
	Label string
	Value string
	Code  bool // to be compared letter by letter
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
			Funcs(texttemplate.FuncMap{"wrap": wrap, "list": list}).
			ParseFS(templates, "templates/layout.txt"))
)

func (l letter) dress() (html, text string, err error) {
	var h, t bytes.Buffer
	if err := htmlLayout.Execute(&h, l); err != nil {
		return "", "", fmt.Errorf("write the HTML of a mail: %w", err)
	}
	if err := textLayout.Execute(&t, l); err != nil {
		return "", "", fmt.Errorf("write the text of a mail: %w", err)
	}
	return h.String(), t.String(), nil
}

const lineLength = 72

// wrap breaks a paragraph into lines. A word longer than a line stays whole.
func wrap(paragraph string) string { return hang(paragraph, 0) }

// hang breaks a paragraph whose first line begins at column indent, and lets
// the other lines begin there too.
func hang(paragraph string, indent int) string {
	var out strings.Builder
	column := indent
	for i, word := range strings.Fields(paragraph) {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width > lineLength:
			out.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += width
	}
	return out.String()
}

// list sets facts as two columns.
func list(facts []fact) string {
	indent := 0
	for _, f := range facts {
		indent = max(indent, utf8.RuneCountInString(f.Label)+2)
	}
	var out strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&out, "%-*s%s\n", indent, f.Label+":", hang(f.Value, indent))
	}
	return out.String()
}
