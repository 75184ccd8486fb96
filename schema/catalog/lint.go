package catalog

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// lintCategory passes a category's query or says, line by line, why not.
func lintCategory(file string, src []byte) (query, []error) {
	l := begin(file, src)
	l.checkStatement()
	l.checkStars()
	l.checkSecrets()
	l.checkReading()
	q := query{text: l.text(), note: l.note(), columns: l.fields()}
	return q, l.problems
}

// lintQuestion passes a query of the directory, whose answer has exactly the
// columns wanted. Only what credentials are checked against may be a secret.
func lintQuestion(file string, src []byte, wanted []string, secrets bool) (query, []error) {
	l := begin(file, src)
	l.checkStatement()
	l.checkStars()
	if !secrets {
		l.checkSecrets()
	}
	l.checkAnswer(wanted)
	return query{text: l.text()}, l.problems
}

// lint walks the tokens of one file and collects what is wrong.
type lint struct {
	file     string
	src      []byte
	tokens   []token
	comments map[int]string
	problems []error
}

// begin reads the file. A file that cannot be read to its end has that one
// problem, and no tokens to find others in.
func begin(file string, src []byte) *lint {
	l := &lint{file: file, src: bytes.TrimPrefix(src, []byte("\ufeff"))}
	tokens, comments, err := lex(l.src)
	if f, ok := err.(fault); ok {
		l.complain(f.line, "%s", f.about)
		return l
	}
	if n := len(tokens); n > 0 && tokens[n-1].is(";") {
		tokens = tokens[:n-1]
	}
	if len(tokens) == 0 {
		l.complain(1, "holds no query")
	}
	l.tokens, l.comments = tokens, comments
	return l
}

func (l *lint) complain(line int, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("%s:%d: %s", l.file, line, fmt.Sprintf(format, args...)))
}

// at returns token i, or one of no kind past either end.
func (l *lint) at(i int) token {
	if i < 0 || i >= len(l.tokens) {
		return token{}
	}
	return l.tokens[i]
}

// text is the query without the comments around it and without its semicolon,
// so that it can be put in brackets.
func (l *lint) text() string {
	if len(l.tokens) == 0 {
		return ""
	}
	return string(l.src[l.tokens[0].start:l.tokens[len(l.tokens)-1].end])
}

// changing are the words that make a statement more than a question, wherever
// they stand, and TABLE, which is a star in disguise.
var changing = []string{"insert", "update", "delete", "merge", "into", "share", "table"}

// checkStatement holds the file to one SELECT that asks about the account $1.
func (l *lint) checkStatement() {
	if len(l.tokens) == 0 {
		return
	}
	if first := l.at(0); !first.word("select", "with") {
		l.complain(first.line, "must be a plain SELECT, or WITH … SELECT")
	}
	asked, open := false, []string{}
	for i, t := range l.tokens {
		switch {
		case t.is(";"):
			l.complain(t.line, "holds more than one statement")
		case t.word(changing...) && !l.at(i-1).is("."):
			l.complain(t.line, "%s does more than ask; a column of that name needs quotes", strings.ToUpper(t.text))
		case t.kind == aParam && t.text != "$1":
			l.complain(t.line, "%s: the account is $1, and there is nothing else to be told", t.text)
		case t.kind == aParam:
			asked = true
		case t.is("(", "["):
			open = append(open, map[string]string{"(": ")", "[": "]"}[t.text])
		case t.is(")", "]"):
			if len(open) == 0 || open[len(open)-1] != t.text {
				l.complain(t.line, "%q closes what was not opened", t.text)
				return
			}
			open = open[:len(open)-1]
		}
	}
	last := l.at(len(l.tokens) - 1).line
	if len(open) > 0 {
		l.complain(last, "%q is missing", open[len(open)-1])
	}
	if !asked {
		l.complain(last, "never asks for $1, so it would answer for everybody")
	}
}

// checkSecrets refuses every name that looks like a secret's, whether it would
// leave or only be looked at, and the same as a key into a JSON value.
func (l *lint) checkSecrets() {
	for i, t := range l.tokens {
		key := t.kind == aString && l.at(i-1).is("->", "->>", "#>", "#>>")
		if (t.named() || key) && LooksSecret(t.text) {
			l.complain(t.line, "%q looks like a secret; what is none needs another name, in a view for instance", t.text)
		}
	}
}

// checkReading leaves to the reader what is the reader's: it orders rows by
// _key, and stops and goes on where it likes.
func (l *lint) checkReading() {
	depth := 0
	for i, t := range l.tokens {
		switch {
		case t.is("(", "["):
			depth++
		case t.is(")", "]"):
			depth--
		case depth == 0 && (t.word("order", "limit", "offset", "fetch") || t.word("distinct") && l.at(i-1).word("select")):
			l.complain(t.line, "%s is for the reader to say", strings.ToUpper(t.text))
		}
	}
}

var camelCase = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)

// fields reads what a category's query selects: _key, then quoted camelCase
// names, each once and each described.
func (l *lint) fields() []Column {
	var columns []Column
	for i, item := range l.selected() {
		alias, as := l.at(item.end-1), l.at(item.end-2)
		switch {
		case !as.word("as") || !alias.named() || item.end-item.start < 3:
			l.complain(alias.line, `column %d has no name: end it with as "name"`, i+1)
		case i == 0 && alias.text != "_key":
			l.complain(alias.line, "the first column must be _key, not %q", alias.text)
		case i == 0:
		case alias.text == "_key":
			l.complain(alias.line, "_key must be the first column")
		case alias.kind != aName:
			l.complain(alias.line, `%s must be quoted: as "%s"`, alias.text, alias.text)
		case !camelCase.MatchString(alias.text):
			l.complain(alias.line, "%q is not camelCase", alias.text)
		case slices.ContainsFunc(columns, func(c Column) bool { return c.Name == alias.text }):
			l.complain(alias.line, "%q is there twice", alias.text)
		case l.comments[alias.line] == "":
			l.complain(alias.line, "%q is not described: say what it is in a comment behind it", alias.text)
		default:
			columns = append(columns, Column{Name: alias.text, Description: l.comments[alias.line]})
		}
	}
	if len(l.problems) == 0 && len(columns) == 0 {
		l.complain(l.at(0).line, "selects nothing beside _key")
	}
	return columns
}

// checkAnswer holds a question to the columns its answer must have.
func (l *lint) checkAnswer(wanted []string) {
	items := l.selected()
	if len(items) == 0 {
		return
	}
	var got []string
	for _, item := range items {
		got = append(got, l.at(item.end-1).text)
	}
	sorted := func(s []string) []string { return slices.Sorted(slices.Values(s)) }
	if !slices.Equal(sorted(got), sorted(wanted)) {
		l.complain(l.at(items[0].start).line, "must select %s, and selects %s",
			strings.Join(wanted, ", "), strings.Join(got, ", "))
	}
}

// item is one entry of a select list: tokens start up to, not including, end.
type item struct{ start, end int }

// selected finds the entries of the outermost select list, the first one where
// several are put together by UNION.
func (l *lint) selected() []item {
	var items []item
	depth, list := 0, -1 // the list's next entry begins at list
	for i := 0; i <= len(l.tokens); i++ {
		t := l.at(i)
		switch {
		case t.is("(", "["):
			depth++
		case t.is(")", "]"):
			depth--
		case depth > 0:
		case list < 0 && len(items) == 0:
			if t.word("select") {
				list = i + 1
			}
		case list < 0:
		case t.kind == nothing, t.is(","), l.endsList(i):
			items = append(items, item{list, i})
			list = i + 1
			if !t.is(",") {
				list = -1
			}
		}
	}
	return items
}

// endsList tells whether token i ends a select list. The FROM of "is distinct
// from" does not.
func (l *lint) endsList(i int) bool {
	if l.at(i).word("from") {
		return !l.at(i - 1).word("distinct")
	}
	return l.at(i).word("where", "group", "having", "window", "union", "intersect", "except", "order", "limit", "offset", "fetch", "for")
}
