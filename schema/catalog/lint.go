package catalog

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// lintCategory returns a category's query, or every problem with its line.
func lintCategory(file string, src []byte) (query, []error) {
	l := newLint(file, src)
	l.checkStatement(1)
	l.checkWholeRows()
	l.checkSecrets()
	l.checkReaderClauses()
	q := query{text: l.text(), note: l.note(), columns: l.fields(camelCase, "_key")}
	return q, l.problems
}

// lintDay returns a query of bulk exports, which takes params parameters and whose
// records have exactly these keys, in this order, or every problem.
func lintDay(file string, src []byte, keys []string, params int) (query, []error) {
	l := newLint(file, src)
	l.checkStatement(params)
	l.checkWholeRows()
	l.checkSecrets()
	l.checkReaderClauses()
	q := query{text: l.text(), note: l.note(), columns: l.fields(snakeCase, "_at", "_key")}
	if len(l.problems) == 0 {
		l.checkKeys(q.columns, keys)
	}
	return q, l.problems
}

// lintDirectory returns a query of the directory, which has exactly the wanted
// columns in any order, or every problem.
func lintDirectory(file string, src []byte, want directoryQuery) (query, []error) {
	l := newLint(file, src)
	l.checkStatement(want.params)
	l.checkWholeRows()
	if !want.secrets {
		l.checkSecrets()
	}
	l.checkColumns(want.columns, want.more)
	return query{text: l.text()}, l.problems
}

// lintErasure returns the statement that deletes calls $2 of account $1, the only
// one that writes, or every problem.
func lintErasure(file string, src []byte) (query, []error) {
	l := newLint(file, src)
	if first := l.at(0); len(l.tokens) > 0 && (!first.isWord("delete") || !l.at(1).isWord("from")) {
		l.report(first.line, "must be a plain DELETE FROM")
	}
	l.checkTokens(2, func(i int) bool { return i > 0 && l.at(i).isWord(writing...) })
	return query{text: l.text()}, l.problems
}

// lint holds the tokens of one file and collects its problems.
type lint struct {
	file     string
	src      []byte
	tokens   []token
	comments map[int]string
	problems []error
}

// newLint splits the file into tokens. A file that cannot be split has that one
// problem and no tokens.
func newLint(file string, src []byte) *lint {
	l := &lint{file: file, src: bytes.TrimPrefix(src, []byte("\ufeff"))}
	tokens, comments, err := lex(l.src)
	if e, ok := err.(lexError); ok {
		l.report(e.line, "%s", e.message)
		return l
	}
	if n := len(tokens); n > 0 && tokens[n-1].is(";") {
		tokens = tokens[:n-1]
	}
	if len(tokens) == 0 {
		l.report(1, "contains no query")
	}
	l.tokens, l.comments = tokens, comments
	return l
}

func (l *lint) report(line int, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("%s:%d: %s", l.file, line, fmt.Sprintf(format, args...)))
}

// at returns token i, or a token of kind none past either end.
func (l *lint) at(i int) token {
	if i < 0 || i >= len(l.tokens) {
		return token{}
	}
	return l.tokens[i]
}

// text returns the query without the comments around it and without its
// semicolon, so that it can be put in parentheses.
func (l *lint) text() string {
	if len(l.tokens) == 0 {
		return ""
	}
	return string(l.src[l.tokens[0].start:l.tokens[len(l.tokens)-1].end])
}

// writing has the keywords that make a statement write or lock, wherever they
// occur, and TABLE, which is short for SELECT *.
var writing = []string{"insert", "update", "delete", "merge", "into", "share", "table"}

// checkStatement requires one SELECT that uses each of its parameters, the account
// $1 first of all.
func (l *lint) checkStatement(params int) {
	if len(l.tokens) == 0 {
		return
	}
	if first := l.at(0); !first.isWord("select", "with") {
		l.report(first.line, "must be a plain SELECT, or WITH … SELECT")
	}
	l.checkTokens(params, func(i int) bool { return l.at(i).isWord(writing...) })
}

// checkTokens requires one statement, with brackets in pairs, that uses each of
// its parameters and in which no token is one that forbidden reports.
func (l *lint) checkTokens(params int, forbidden func(i int) bool) {
	if len(l.tokens) == 0 {
		return
	}
	used, open := make([]bool, params), []string{}
	for i, t := range l.tokens {
		switch {
		case t.is(";"):
			l.report(t.line, "contains more than one statement")
		case forbidden(i) && !l.at(i-1).is("."):
			l.report(t.line, "%s does more than read; a column of that name needs quotes", strings.ToUpper(t.text))
		case t.kind == param:
			l.markUsed(t, used)
		case t.is("(", "["):
			open = append(open, map[string]string{"(": ")", "[": "]"}[t.text])
		case t.is(")", "]"):
			if len(open) == 0 || open[len(open)-1] != t.text {
				l.report(t.line, "%q closes nothing", t.text)
				return
			}
			open = open[:len(open)-1]
		}
	}
	last := l.at(len(l.tokens) - 1).line
	if len(open) > 0 {
		l.report(last, "%q is missing", open[len(open)-1])
	}
	for i, ok := range used {
		switch {
		case ok:
		case i == 0:
			l.report(last, "does not use $1, so it would return the records of every account")
		default:
			l.report(last, "does not use $%d", i+1)
		}
	}
}

// markUsed records that parameter t is used.
func (l *lint) markUsed(t token, used []bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(t.text, "$"))
	switch {
	case err == nil && n >= 1 && n <= len(used):
		used[n-1] = true
	case len(used) == 1:
		l.report(t.line, "%s: there is only $1, the account", t.text)
	default:
		l.report(t.line, "%s: the parameters are $1, the account, to $%d", t.text, len(used))
	}
}

// checkSecrets rejects every name that looks like a secret's, whether the column
// is exported or only compared, and such a name as a key into a JSON value.
func (l *lint) checkSecrets() {
	for i, t := range l.tokens {
		key := t.kind == stringLiteral && l.at(i-1).is("->", "->>", "#>", "#>>", "[")
		if (t.isName() || key) && LooksSecret(t.text) {
			l.report(t.line, "%q looks like a secret; if it is none, give it another name, for instance in a view", t.text)
		}
	}
}

// checkReaderClauses rejects the clauses that the reader adds: it orders rows by
// _key, and stops and resumes at any row.
func (l *lint) checkReaderClauses() {
	depth := 0
	for i, t := range l.tokens {
		switch {
		case t.is("(", "["):
			depth++
		case t.is(")", "]"):
			depth--
		case depth == 0 && (t.isWord("order", "limit", "offset", "fetch") || t.isWord("distinct") && l.at(i-1).isWord("select")):
			l.report(t.line, "%s is added by the reader", strings.ToUpper(t.text))
		}
	}
}

var (
	camelCase = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// fields returns the columns that a query selects after those of the reader:
// quoted names in the given case, each once and each described.
func (l *lint) fields(letters *regexp.Regexp, reader ...string) []Column {
	var columns []Column
	for i, item := range l.selectItems() {
		alias, as := l.at(item.end-1), l.at(item.end-2)
		switch {
		case !as.isWord("as") || !alias.isName() || item.end-item.start < 3:
			l.report(alias.line, `column %d has no name: end it with as "name"`, i+1)
		case i < len(reader) && alias.text != reader[i]:
			l.report(alias.line, "the %s column must be %s, not %q", []string{"first", "second"}[i], reader[i], alias.text)
		case i < len(reader):
		case slices.Contains(reader, alias.text):
			l.report(alias.line, "%s must be the %s column", alias.text, []string{"first", "second"}[slices.Index(reader, alias.text)])
		case alias.kind != quotedName:
			l.report(alias.line, `%s must be quoted: as "%s"`, alias.text, alias.text)
		case !letters.MatchString(alias.text):
			l.report(alias.line, "%q is not %s", alias.text, map[*regexp.Regexp]string{camelCase: "camelCase", snakeCase: "snake_case"}[letters])
		case slices.ContainsFunc(columns, func(c Column) bool { return c.Name == alias.text }):
			l.report(alias.line, "%q is selected twice", alias.text)
		case l.comments[alias.line] == "":
			l.report(alias.line, "%q is not described: say what it is in a comment at the end of its line", alias.text)
		default:
			columns = append(columns, Column{Name: alias.text, Description: l.comments[alias.line]})
		}
	}
	if len(l.problems) == 0 && len(columns) == 0 {
		l.report(l.at(0).line, "selects nothing besides %s", reader[len(reader)-1])
	}
	return columns
}

// checkKeys requires exactly the wanted keys in their order.
func (l *lint) checkKeys(columns []Column, wanted []string) {
	var got []string
	for _, c := range columns {
		got = append(got, c.Name)
	}
	if !slices.Equal(got, wanted) {
		l.report(l.at(0).line, "must select %s, and selects %s", strings.Join(wanted, ", "), strings.Join(got, ", "))
	}
}

// checkColumns requires exactly the wanted columns in any order, and allows one more.
func (l *lint) checkColumns(wanted []string, more string) {
	items := l.selectItems()
	if len(items) == 0 {
		return
	}
	var got []string
	for _, item := range items {
		name := l.at(item.end - 1).text
		if name == more {
			more = "" // once
			continue
		}
		got = append(got, name)
	}
	sorted := func(s []string) []string { return slices.Sorted(slices.Values(s)) }
	if !slices.Equal(sorted(got), sorted(wanted)) {
		l.report(l.at(items[0].start).line, "must select %s, and selects %s",
			strings.Join(wanted, ", "), strings.Join(got, ", "))
	}
}

// selectItem is one entry of a select list: tokens start up to, not including,
// end.
type selectItem struct{ start, end int }

// selectItems returns the entries of the outermost select list, and of the first
// SELECT of a UNION.
func (l *lint) selectItems() []selectItem {
	var items []selectItem
	depth, list := 0, -1 // list is the start of the next entry, or -1 outside the list
	for i := 0; i <= len(l.tokens); i++ {
		t := l.at(i)
		switch {
		case t.is("(", "["):
			depth++
		case t.is(")", "]"):
			depth--
		case depth > 0:
		case list < 0 && len(items) == 0:
			if t.isWord("select") {
				list = i + 1
			}
		case list < 0:
		case t.kind == none, t.is(","), l.endsList(i):
			items = append(items, selectItem{list, i})
			list = i + 1
			if !t.is(",") {
				list = -1
			}
		}
	}
	return items
}

// endsList reports whether token i ends a select list. The FROM of "is distinct
// from" does not.
func (l *lint) endsList(i int) bool {
	if l.at(i).isWord("from") {
		return !l.at(i - 1).isWord("distinct")
	}
	return l.at(i).isWord("where", "group", "having", "window", "union", "intersect", "except", "order", "limit", "offset", "fetch", "for")
}
