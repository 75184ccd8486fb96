package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A lexer that ends a string or comment elsewhere than Postgres does hides names
// from the lint, or takes a $1 in a comment for the parameter.
func TestTokensAreThoseOfPostgres(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		want      []string // words and symbols as they are, "names", 'strings', #numbers
	}{
		{"words are folded", `SELECT Id`, []string{"select", "id"}},
		{"quoted name", `"A ""b"""."c"`, []string{`"A "b""`, ".", `"c"`}},
		{"quoted name holds no comment", `"a--b" "/*" c "*/"`, []string{`"a--b"`, `"/*"`, "c", `"*/"`}},
		{"string", `'it''s' b`, []string{`'it's'`, "b"}},
		{"string holds no comment", `'--' a '/*' b '*/'`, []string{`'--'`, "a", `'/*'`, "b", `'*/'`}},
		{"backslash in a plain string is no escape", `'a\' b '\'`, []string{`'a\'`, "b", `'\'`}},
		{"backslash in a quoted name is no escape", `"a\" b`, []string{`"a\"`, "b"}},
		{"backslash in E'' is an escape", `E'a\' b' c`, []string{`'a' b'`, "c"}},
		{"backslash in e'' is an escape", `e'a\\' b`, []string{`'a\'`, "b"}},
		{"doubled quote in E''", `E'a''b\'' c`, []string{`'a'b''`, "c"}},
		{"word that ends in e", `ae'a\' b`, []string{"ae", `'a\'`, "b"}},
		{"binary strings", `b'01' x'1F' n'a'`, []string{"b", `'01'`, "x", `'1F'`, "n", `'a'`}},

		{"comment", "a -- b\nc", []string{"a", "c"}},
		{"comment at the end", "a --b", []string{"a"}},
		{"comment ends at a carriage return", "a -- b\rc", []string{"a", "c"}},
		{"comment ends at a carriage return and newline", "a -- b\r\nc", []string{"a", "c"}},
		{"comment is not continued by a backslash", "a -- b\\\nc", []string{"a", "c"}},
		{"quote in a comment", "a -- it's\nb 'c'", []string{"a", "b", `'c'`}},
		{"block comment", "a/*b*/c", []string{"a", "c"}},
		{"nested block comment", "a /* b /* c */ d */ e", []string{"a", "e"}},
		{"deeply nested block comment", "/*/*/**/*/ a */ b", []string{"b"}},
		{"block comment opened by its own star", "/*/ a */ b", []string{"b"}},
		{"line comment in a block comment", "/* -- */ a", []string{"a"}},
		{"block comment in a line comment", "-- /*\na", []string{"a"}},
		{"quote in a block comment", "/* ' */ a ' b '", []string{"a", `' b '`}},

		{"operator", "a<=b", []string{"a", "<=", "b"}},
		{"operator ends before a comment", "a+--b\nc", []string{"a", "+", "c"}},
		{"operator ends before a block comment", "a+/*b*/c", []string{"a", "+", "c"}},
		{"operator before a comment with a parameter", "a = --$1\nb", []string{"a", "=", "b"}},
		{"operator that a comment follows at once", "a=--$1\nb", []string{"a", "=", "b"}},
		{"operator of special characters before a comment", "a@--$1\nb", []string{"a", "@", "b"}},
		{"sign after an operator", "a*-1", []string{"a", "*", "-", "#1"}},
		{"signs after an operator", "a<+-b", []string{"a", "<", "+", "-", "b"}},
		{"operator that may end in a sign", "a@-1", []string{"a", "@-", "#1"}},
		{"JSON operators", "a->'b'->>'c'#>'d'#>>'e'", []string{"a", "->", `'b'`, "->>", `'c'`, "#>", `'d'`, "#>>", `'e'`}},
		{"cast", "a::text", []string{"a", "::", "text"}},
		{"named argument", "f(a := 1, b => 2)", []string{"f", "(", "a", ":=", "#1", ",", "b", "=>", "#2", ")"}},
		{"slice", "a[1:2]", []string{"a", "[", "#1", ":", "#2", "]"}},

		{"parameter", "a=$1", []string{"a", "=", "$1"}},
		{"parameter of many digits", "$12", []string{"$12"}},
		{"dollar in a word", "a$1", []string{"a$1"}},
		{"word after a parameter", "$1and b", []string{"$1", "and", "b"}},
		{"letters beyond ASCII", "naïve größe", []string{"naïve", "größe"}},
		{"parameter in a word beyond ASCII", "é$1", []string{"é$1"}},
		{"word that ends beyond ASCII", "aé$1", []string{"aé$1"}},
		{"no-break space is a letter", "a\u00a0$1 b", []string{"a\u00a0$1", "b"}},
		{"line separator ends no comment", "a -- b\u2028$1\nc", []string{"a", "c"}},
		{"next line ends no comment", "a -- b\u0085$1\nc", []string{"a", "c"}},

		{"numbers", "1 1.5 .5 1e10 0x1F 1_000", []string{"#1", "#1.5", "#.5", "#1e10", "#0x1F", "#1_000"}},
		{"number and point", "a.b .5", []string{"a", ".", "b", "#.5"}},
		{"white space", "a\tb\fc\vd\r\ne", []string{"a", "b", "c", "d", "e"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tokens, _, err := lex([]byte(c.sql))
			require.NoError(t, err)
			var got []string
			for _, token := range tokens {
				text := token.text
				switch token.kind {
				case quotedName:
					text = `"` + text + `"`
				case stringLiteral:
					text = "'" + text + "'"
				case number:
					text = "#" + text
				case param:
					require.Equal(t, "$", text[:1])
				}
				got = append(got, text)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestParametersAreToldFromWords(t *testing.T) {
	tokens, _, err := lex([]byte("a$1 $1 é$1"))
	require.NoError(t, err)
	var kinds []tokenKind
	for _, token := range tokens {
		kinds = append(kinds, token.kind)
	}
	require.Equal(t, []tokenKind{word, param, word}, kinds)
}

func TestOperatorsAreAtMost63Bytes(t *testing.T) {
	long := make([]byte, 65)
	for i := range long {
		long[i] = '<'
	}
	tokens, _, err := lex(long)
	require.NoError(t, err)
	require.Len(t, tokens, 2)
	require.Len(t, tokens[0].text, 63)
}

func TestTokensHaveTheirLineAndPosition(t *testing.T) {
	src := "a\n/* \n */ 'b\nc' d -- one\n\"e\n\" f --two\n"
	tokens, comments, err := lex([]byte(src))
	require.NoError(t, err)
	want := map[string]int{"a": 1, "b\nc": 3, "d": 4, "e\n": 5, "f": 6}
	require.Len(t, tokens, len(want))
	for _, token := range tokens {
		require.Equal(t, want[token.text], token.line, token.text)
		require.Contains(t, src[token.start:token.end], token.text)
	}
	require.Equal(t, map[int]string{4: "one", 6: "two"}, comments)
}

func TestTextThatIsNoQueryIsRejected(t *testing.T) {
	for sql, message := range map[string]string{
		"a 'b":                     "never closed",
		"a E'b\\'":                 "never closed",
		`a "b`:                     "never closed",
		"a /* b /* */":             "never ends",
		"a $$b$$":                  "$-quoted strings",
		"a $x$b$x$":                "$-quoted strings",
		`U&"a"`:                    "hides its text",
		`u&'a'`:                    "hides its text",
		`a \d`:                     "does not belong in a query",
		"a {b}":                    "does not belong in a query",
		"a \x01":                   "does not belong in a query",
		"a \x00":                   "is not UTF-8 text",
		"a \xff":                   "is not UTF-8 text",
		"a -- \xc3":                "is not UTF-8 text",
		"a 'b'\n'c'":               "in one piece",
		"a E'b'\n'c\\' , $1, '":    "in one piece",
		"a 'b' -- c\n'd'":          "in one piece",
		"a ->> 'api' /*\n*/'_key'": "in one piece",
	} {
		_, _, err := lex([]byte(sql))
		require.ErrorContains(t, err, message, "%q", sql)
	}
}
