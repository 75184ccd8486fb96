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
			Funcs(texttemplate.FuncMap{"wrap": wrap}).
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
