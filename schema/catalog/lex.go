package catalog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

type kind int

const (
	nothing kind = iota // past either end
	aWord               // a keyword or plain name, folded to lower case as Postgres does
	aName               // a "quoted name", without its quotes
	aString             // a 'string', without its quotes
	aNumber             // 12.5
	aParam              // $1
	aSymbol             // an operator, a bracket, a comma, …
)

type token struct {
	kind       kind
	text       string
	line       int
	start, end int // bytes in the file
}

func (t token) is(symbols ...string) bool {
	return t.kind == aSymbol && slices.Contains(symbols, t.text)
}
func (t token) word(words ...string) bool { return t.kind == aWord && slices.Contains(words, t.text) }
func (t token) named() bool               { return t.kind == aWord || t.kind == aName }
func (t token) operand() bool {
	return t.named() || t.kind == aString || t.kind == aNumber || t.kind == aParam
}

// fault is what is wrong with a file, and where.
type fault struct {
	line  int
	about string
}

func (f fault) Error() string { return f.about }

// lexer takes SQL apart the way Postgres does, strings, names and comments
// first of all: what they hold must not be mistaken for the query.
type lexer struct {
	src      []byte
	at, line int
	tokens   []token
	comments map[int]string // the last -- comment of each line
}

func lex(src []byte) (tokens []token, comments map[int]string, err error) {
	if !utf8.Valid(src) || bytes.IndexByte(src, 0) >= 0 {
		return nil, nil, fault{1, "is not UTF-8 text"}
	}
	l := &lexer{src: src, line: 1, comments: map[int]string{}}
	for l.at < len(l.src) {
		if err := l.next(); err != nil {
			return nil, nil, err
		}
	}
	return l.tokens, l.comments, nil
}

const operators = "+-*/<>=~!@#%^&|`?"

func (l *lexer) next() error {
	c := l.src[l.at]
	switch {
	case c == '\n':
		l.line++
		l.at++
	case strings.IndexByte(" \t\r\f\v", c) >= 0:
		l.at++
	case l.sees("--"):
		end := l.to("\n")
		l.comments[l.line] = strings.TrimSpace(string(l.src[l.at+2 : end]))
		l.at = end
	case l.sees("/*"):
		return l.block()
	case c == '\'':
		return l.quoted(aString, 1, false)
	case c == '"':
		return l.quoted(aName, 1, false)
	case (c == 'e' || c == 'E') && l.peek(1) == '\'':
		return l.quoted(aString, 2, true)
	case (c == 'u' || c == 'U') && l.peek(1) == '&' && (l.peek(2) == '\'' || l.peek(2) == '"'):
		return fault{l.line, `U&"…" hides what it says: write it plainly`}
	case letter(c):
		l.add(aWord, l.run(func(c byte) bool { return letter(c) || digit(c) || c == '$' }))
	case c == '$':
		end := l.run(digit)
		if end == l.at+1 {
			return fault{l.line, "$-quoted strings are not for here: write '…'"}
		}
		l.add(aParam, end)
	case digit(c) || c == '.' && digit(l.peek(1)):
		l.add(aNumber, l.run(func(c byte) bool { return digit(c) || letter(c) || c == '.' }))
	case strings.IndexByte(operators, c) >= 0:
		l.add(aSymbol, l.operator())
	case c == ':' && (l.peek(1) == ':' || l.peek(1) == '='):
		l.add(aSymbol, l.at+2)
	case strings.IndexByte("()[],;.:", c) >= 0:
		l.add(aSymbol, l.at+1)
	default:
		return fault{l.line, fmt.Sprintf("%q has no place in a query", c)}
	}
	return nil
}

// operator ends where a comment begins, and in + or - only where Postgres lets
// it, so that "*-1" is two operators.
func (l *lexer) operator() int {
	end := l.at + 1
	longest := min(len(l.src), l.at+63) // as in Postgres
	for end < longest && strings.IndexByte(operators, l.src[end]) >= 0 &&
		!bytes.HasPrefix(l.src[end:], []byte("--")) && !bytes.HasPrefix(l.src[end:], []byte("/*")) {
		end++
	}
	for end > l.at+1 && strings.IndexByte("+-", l.src[end-1]) >= 0 && !bytes.ContainsAny(l.src[l.at:end], "~!@#%^&|`?") {
		end--
	}
	return end
}

// block skips a /* comment */, which may hold others.
func (l *lexer) block() error {
	began, depth := l.line, 0
	for l.at < len(l.src) {
		switch {
		case l.sees("/*"):
			depth++
			l.at += 2
		case l.sees("*/"):
			depth--
			l.at += 2
			if depth == 0 {
				return nil
			}
		default:
			if l.src[l.at] == '\n' {
				l.line++
			}
			l.at++
		}
	}
	return fault{began, "the comment that begins here never ends"}
}

// quoted reads to the closing quote; a doubled quote stands for itself.
func (l *lexer) quoted(k kind, skip int, escapes bool) error {
	began, quote := l.line, l.src[l.at+skip-1]
	var said []byte
	for i := l.at + skip; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '\\' && escapes && i+1 < len(l.src):
			i++
			said = append(said, l.src[i])
		case c == quote && i+1 < len(l.src) && l.src[i+1] == quote:
			i++
			said = append(said, quote)
		case c == quote:
			l.tokens = append(l.tokens, token{k, string(said), began, l.at, i + 1})
			l.line += bytes.Count(l.src[l.at:i], []byte("\n"))
			l.at = i + 1
			return nil
		default:
			said = append(said, c)
		}
	}
	return fault{began, "the quote that opens here is never closed"}
}

func (l *lexer) add(k kind, end int) {
	said := string(l.src[l.at:end])
	if k == aWord {
		said = strings.ToLower(said)
	}
	l.tokens = append(l.tokens, token{k, said, l.line, l.at, end})
	l.at = end
}

func (l *lexer) run(in func(byte) bool) int {
	end := l.at + 1
	for end < len(l.src) && in(l.src[end]) {
		end++
	}
	return end
}

func (l *lexer) to(s string) int {
	if i := bytes.Index(l.src[l.at:], []byte(s)); i >= 0 {
		return l.at + i
	}
	return len(l.src)
}

func (l *lexer) sees(s string) bool { return bytes.HasPrefix(l.src[l.at:], []byte(s)) }

func (l *lexer) peek(n int) byte {
	if l.at+n < len(l.src) {
		return l.src[l.at+n]
	}
	return 0
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
func letter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}
