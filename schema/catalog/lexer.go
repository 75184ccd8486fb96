package catalog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	none          tokenKind = iota // past either end
	word                           // a keyword or plain name, folded to lower case as Postgres does
	quotedName                     // a "quoted name", without its quotes
	stringLiteral                  // a 'string', without its quotes
	number                         // 12.5
	param                          // $1
	symbol                         // an operator, a bracket, a comma, …
)

type token struct {
	kind       tokenKind
	text       string
	line       int
	start, end int // byte offsets in the file
}

func (t token) is(symbols ...string) bool {
	return t.kind == symbol && slices.Contains(symbols, t.text)
}
func (t token) isWord(words ...string) bool { return t.kind == word && slices.Contains(words, t.text) }
func (t token) isName() bool                { return t.kind == word || t.kind == quotedName }
func (t token) isOperand() bool {
	return t.isName() || t.kind == stringLiteral || t.kind == number || t.kind == param
}

// lexError is the first thing in a file that is no token, and its line.
type lexError struct {
	line    int
	message string
}

func (e lexError) Error() string { return e.message }

// lexer splits SQL into tokens the way Postgres does. Strings, quoted names and
// comments matter most: their contents must not be taken for the query.
type lexer struct {
	src      []byte
	pos      int
	line     int
	tokens   []token
	comments map[int]string // the last -- comment of each line
}

func lex(src []byte) (tokens []token, comments map[int]string, err error) {
	if !utf8.Valid(src) || bytes.IndexByte(src, 0) >= 0 {
		return nil, nil, lexError{1, "is not UTF-8 text"}
	}
	l := &lexer{src: src, line: 1, comments: map[int]string{}}
	for l.pos < len(l.src) {
		if err := l.next(); err != nil {
			return nil, nil, err
		}
	}
	return l.tokens, l.comments, nil
}

const operators = "+-*/<>=~!@#%^&|`?"

func (l *lexer) next() error {
	c := l.src[l.pos]
	switch {
	case c == '\n':
		l.line++
		l.pos++
	case strings.IndexByte(" \t\r\f\v", c) >= 0:
		l.pos++
	case l.hasPrefix("--"):
		end := l.endOfLine()
		l.comments[l.line] = strings.TrimSpace(string(l.src[l.pos+2 : end]))
		l.pos = end
	case l.hasPrefix("/*"):
		return l.blockComment()
	case c == '\'':
		return l.quoted(stringLiteral, 1, false)
	case c == '"':
		return l.quoted(quotedName, 1, false)
	case (c == 'e' || c == 'E') && l.peek(1) == '\'':
		return l.quoted(stringLiteral, 2, true)
	case (c == 'u' || c == 'U') && l.peek(1) == '&' && (l.peek(2) == '\'' || l.peek(2) == '"'):
		return lexError{l.line, `U&"…" hides its text: write the characters themselves`}
	case isLetter(c):
		l.add(word, l.run(func(c byte) bool { return isLetter(c) || isDigit(c) || c == '$' }))
	case c == '$':
		end := l.run(isDigit)
		if end == l.pos+1 {
			return lexError{l.line, "$-quoted strings are not allowed: write '…'"}
		}
		l.add(param, end)
	case isDigit(c) || c == '.' && isDigit(l.peek(1)):
		l.add(number, l.run(func(c byte) bool { return isDigit(c) || isLetter(c) || c == '.' }))
	case strings.IndexByte(operators, c) >= 0:
		l.add(symbol, l.operator())
	case c == ':' && (l.peek(1) == ':' || l.peek(1) == '='):
		l.add(symbol, l.pos+2)
	case strings.IndexByte("()[],;.:", c) >= 0:
		l.add(symbol, l.pos+1)
	default:
		return lexError{l.line, fmt.Sprintf("%q does not belong in a query", c)}
	}
	return nil
}

// operator returns the end of the operator at the current position. As in
// Postgres it ends where a comment begins, and ends in + or - only if it contains
// one of ~!@#%^&|`?, so that "*-1" is two operators.
func (l *lexer) operator() int {
	end := l.pos + 1
	limit := min(len(l.src), l.pos+63) // Postgres' longest operator
	for end < limit && strings.IndexByte(operators, l.src[end]) >= 0 &&
		!bytes.HasPrefix(l.src[end:], []byte("--")) && !bytes.HasPrefix(l.src[end:], []byte("/*")) {
		end++
	}
	for end > l.pos+1 && strings.IndexByte("+-", l.src[end-1]) >= 0 && !bytes.ContainsAny(l.src[l.pos:end], "~!@#%^&|`?") {
		end--
	}
	return end
}

// blockComment skips a /* comment */, which may contain others.
func (l *lexer) blockComment() error {
	firstLine, depth := l.line, 0
	for l.pos < len(l.src) {
		switch {
		case l.hasPrefix("/*"):
			depth++
			l.pos += 2
		case l.hasPrefix("*/"):
			depth--
			l.pos += 2
			if depth == 0 {
				return nil
			}
		default:
			if l.src[l.pos] == '\n' {
				l.line++
			}
			l.pos++
		}
	}
	return lexError{firstLine, "the comment that begins here never ends"}
}

// quoted reads up to the closing quote. A doubled quote is one quote. prefix is
// the length of the opening quote with what precedes it.
func (l *lexer) quoted(k tokenKind, prefix int, escapes bool) error {
	firstLine, quote := l.line, l.src[l.pos+prefix-1]
	var text []byte
	for i := l.pos + prefix; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '\\' && escapes && i+1 < len(l.src):
			i++
			text = append(text, l.src[i])
		case c == quote && i+1 < len(l.src) && l.src[i+1] == quote:
			i++
			text = append(text, quote)
		case c == quote:
			if n := len(l.tokens); k == stringLiteral && n > 0 && l.tokens[n-1].kind == stringLiteral {
				// Postgres joins strings on successive lines, in the first one's escape mode.
				return lexError{firstLine, "the string continues the one before it: write it in one piece"}
			}
			l.tokens = append(l.tokens, token{k, string(text), firstLine, l.pos, i + 1})
			l.line += bytes.Count(l.src[l.pos:i], []byte("\n"))
			l.pos = i + 1
			return nil
		default:
			text = append(text, c)
		}
	}
	return lexError{firstLine, "the quote that opens here is never closed"}
}

func (l *lexer) add(k tokenKind, end int) {
	text := string(l.src[l.pos:end])
	if k == word {
		text = strings.ToLower(text)
	}
	l.tokens = append(l.tokens, token{k, text, l.line, l.pos, end})
	l.pos = end
}

// run returns the end of the bytes, from the second on, that accept reports.
func (l *lexer) run(accept func(byte) bool) int {
	end := l.pos + 1
	for end < len(l.src) && accept(l.src[end]) {
		end++
	}
	return end
}

// endOfLine returns where a -- comment ends: at a newline or, as in Postgres, at a
// carriage return, or at the end of the file.
func (l *lexer) endOfLine() int {
	if i := bytes.IndexAny(l.src[l.pos:], "\r\n"); i >= 0 {
		return l.pos + i
	}
	return len(l.src)
}

func (l *lexer) hasPrefix(s string) bool { return bytes.HasPrefix(l.src[l.pos:], []byte(s)) }

func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}
