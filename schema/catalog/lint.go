package catalog

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// lintCategory passes a category's query or says, line by line, why not.
func lintCategory(file string, src []byte) (query, []error) {
	l := begin(file, src)
	l.checkStatement(1)
	l.checkStars()
	l.checkSecrets()
	l.checkReading()
	q := query{text: l.text(), note: l.note(), columns: l.fields(camelCase, "_key")}
	return q, l.problems
}

// lintDay passes a query of bulk exports, which takes so many parameters and
// whose records have exactly these keys, in this order.
func lintDay(file string, src []byte, keys []string, params int) (query, []error) {
	l := begin(file, src)
	l.checkStatement(params)
	l.checkStars()
	l.checkSecrets()
	l.checkReading()
	q := query{text: l.text(), note: l.note(), columns: l.fields(snakeCase, "_at", "_key")}
	if len(l.problems) == 0 {
		l.checkKeys(q.columns, keys)
	}
	return q, l.problems
}

// lintQuestion passes a query of the directory, whose answer has exactly the
// columns asked for.
func lintQuestion(file string, src []byte, asked question) (query, []error) {
	l := begin(file, src)
	l.checkStatement(asked.params)
	l.checkStars()
	if !asked.secrets {
		l.checkSecrets()
	}
	l.checkAnswer(asked.columns)
	return query{text: l.text()}, l.problems
}

// lintErasure passes the one statement that is to delete something: calls $2 of
// account $1.
func lintErasure(file string, src []byte) (query, []error) {
	l := begin(file, src)
	if first := l.at(0); len(l.tokens) > 0 && (!first.word("delete") || !l.at(1).word("from")) {
		l.complain(first.line, "must be a plain DELETE FROM")
	}
	l.checkTokens(2, func(i int) bool { return i > 0 && l.at(i).word(changing...) })
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

// checkStatement holds the file to one SELECT that asks about the account $1,
// and whatever else it is told.
func (l *lint) checkStatement(params int) {
	if len(l.tokens) == 0 {
		return
	}
	if first := l.at(0); !first.word("select", "with") {
		l.complain(first.line, "must be a plain SELECT, or WITH … SELECT")
	}
	l.checkTokens(params, func(i int) bool { return l.at(i).word(changing...) })
}

// checkTokens holds the file to one statement, with brackets in pairs, that uses
// each of its parameters and changes nothing.
func (l *lint) checkTokens(params int, changes func(i int) bool) {
	if len(l.tokens) == 0 {
		return
	}
	used, open := make([]bool, params), []string{}
	for i, t := range l.tokens {
		switch {
		case t.is(";"):
			l.complain(t.line, "holds more than one statement")
		case changes(i) && !l.at(i-1).is("."):
			l.complain(t.line, "%s does more than ask; a column of that name needs quotes", strings.ToUpper(t.text))
		case t.kind == aParam:
			l.use(t, used)
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
	for i, is := range used {
		switch {
		case is:
		case i == 0:
			l.complain(last, "never asks for $1, so it would answer for everybody")
		default:
			l.complain(last, "never asks for $%d", i+1)
		}
	}
}

// use notes that parameter t is used.
func (l *lint) use(t token, used []bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(t.text, "$"))
	switch {
	case err == nil && n >= 1 && n <= len(used):
		used[n-1] = true
	case len(used) == 1:
		l.complain(t.line, "%s: the account is $1, and there is nothing else to be told", t.text)
	default:
		l.complain(t.line, "%s: the account is $1, and the last that is told is $%d", t.text, len(used))
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

var (
	camelCase = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// fields reads what a query selects: first the columns that are the reader's,
// then quoted names in the case given, each once and each described.
func (l *lint) fields(letters *regexp.Regexp, reader ...string) []Column {
	var columns []Column
	for i, item := range l.selected() {
		alias, as := l.at(item.end-1), l.at(item.end-2)
		switch {
		case !as.word("as") || !alias.named() || item.end-item.start < 3:
			l.complain(alias.line, `column %d has no name: end it with as "name"`, i+1)
		case i < len(reader) && alias.text != reader[i]:
			l.complain(alias.line, "the %s column must be %s, not %q", []string{"first", "second"}[i], reader[i], alias.text)
		case i < len(reader):
		case slices.Contains(reader, alias.text):
			l.complain(alias.line, "%s must be the %s column", alias.text, []string{"first", "second"}[slices.Index(reader, alias.text)])
		case alias.kind != aName:
			l.complain(alias.line, `%s must be quoted: as "%s"`, alias.text, alias.text)
		case !letters.MatchString(alias.text):
			l.complain(alias.line, "%q is not %s", alias.text, map[*regexp.Regexp]string{camelCase: "camelCase", snakeCase: "snake_case"}[letters])
		case slices.ContainsFunc(columns, func(c Column) bool { return c.Name == alias.text }):
			l.complain(alias.line, "%q is there twice", alias.text)
		case l.comments[alias.line] == "":
			l.complain(alias.line, "%q is not described: say what it is in a comment behind it", alias.text)
		default:
			columns = append(columns, Column{Name: alias.text, Description: l.comments[alias.line]})
		}
	}
	if len(l.problems) == 0 && len(columns) == 0 {
		l.complain(l.at(0).line, "selects nothing beside %s", reader[len(reader)-1])
	}
	return columns
}

// checkKeys holds the records to the keys wanted, in their order.
func (l *lint) checkKeys(columns []Column, wanted []string) {
	var got []string
	for _, c := range columns {
		got = append(got, c.Name)
	}
	if !slices.Equal(got, wanted) {
		l.complain(l.at(0).line, "must select %s, and selects %s", strings.Join(wanted, ", "), strings.Join(got, ", "))
	}
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
