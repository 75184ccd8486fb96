package source

import (
	"github.com/lib/pq/oid"
)

// jsonRewriter rewrites the dates and timestamps in a value that Postgres converted to
// JSON. The value is one, or a composite with some in its fields, or an array of such
// values. A nil jsonRewriter is for values without any.
type jsonRewriter struct {
	fields map[string]*jsonRewriter // by name, as quoted in JSON; nil for a date or timestamp
}

// rewriter returns the jsonRewriter of a type, or nil if it contains no date or
// timestamp at any depth.
func (types typeSet) rewriter(typ int64) *jsonRewriter {
	t := types[types.base(typ)]
	switch {
	case t.OID == int64(oid.T_timestamp), t.OID == int64(oid.T_timestamptz), t.OID == int64(oid.T_date):
		return &jsonRewriter{}
	case t.Element != 0:
		return types.rewriter(t.Element)
	}
	var fields map[string]*jsonRewriter
	for i, f := range t.Fields {
		if r := types.rewriter(f); r != nil {
			if fields == nil {
				fields = make(map[string]*jsonRewriter)
			}
			fields[string(appendString(nil, []byte(t.Names[i])))] = r
		}
	}
	if fields == nil {
		return nil
	}
	return &jsonRewriter{fields}
}

// writer returns a valueWriter that copies JSON and rewrites the dates and timestamps in it.
func (r *jsonRewriter) writer() valueWriter {
	if r == nil {
		return appendJSON
	}
	return func(dst, wire []byte) ([]byte, bool) {
		dst, rest := r.append(dst, wire)
		return dst, len(rest) == 0
	}
}

// append rewrites the first value in text and returns the rest of text.
func (r *jsonRewriter) append(dst, text []byte) (_, rest []byte) {
	end := valueLen(text)
	switch {
	case r == nil || end < 2:
	case text[0] == '"' && r.fields == nil:
		return appendDateText(dst, text[1:end-1]), text[end:]
	case text[0] == '[':
		for len(text) > 1 && text[0] != ']' { // a bracket or comma, and an element
			dst, text = r.append(append(dst, text[0]), text[1:])
		}
		end = min(1, len(text))
	case text[0] == '{':
		for len(text) > 1 && text[1] == '"' { // a brace or comma, a name, a colon, and a value
			label := 1 + stringLen(text[1:])
			colon := min(label+1, len(text))
			dst, text = r.fields[string(text[1:label])].append(append(dst, text[:colon]...), text[colon:])
		}
		end = min(1, len(text))
	}
	return append(dst, text[:end]...), text[end:]
}

// valueLen returns the length of the first value in text, which ends at a comma
// or a closing bracket.
func valueLen(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringLen(text[i:]) - 1
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// stringLen returns the length of the string at the start of text, including
// its quotes.
func stringLen(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
