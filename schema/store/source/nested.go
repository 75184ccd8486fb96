package source

import (
	"github.com/lib/pq/oid"
)

// nested is where timestamps are in a value that Postgres made JSON of: either
// it is one, or it is a composite with one in its fields. An array of such
// values is described as they are. Nil has none.
type nested struct {
	fields map[string]*nested // by name, as it stands in JSON; nil for a timestamp
}

// nested looks for timestamps in a type, however deep.
func (types typeSet) nested(typ int64) *nested {
	t := types[types.base(typ)]
	switch {
	case t.OID == int64(oid.T_timestamp), t.OID == int64(oid.T_timestamptz):
		return &nested{}
	case t.Element != 0:
		return types.nested(t.Element)
	}
	var fields map[string]*nested
	for i, f := range t.Fields {
		if n := types.nested(f); n != nil {
			if fields == nil {
				fields = make(map[string]*nested)
			}
			fields[string(appendString(nil, []byte(t.Names[i])))] = n
		}
	}
	if fields == nil {
		return nil
	}
	return &nested{fields}
}

// write copies JSON, and rewrites the timestamps in it.
func (n *nested) write() writer {
	if n == nil {
		return appendJSON
	}
	return func(dst, wire []byte) ([]byte, bool) {
		dst, rest := n.append(dst, wire)
		return dst, len(rest) == 0
	}
}

// append writes the value that text opens with, and answers what follows it.
func (n *nested) append(dst, text []byte) (_, rest []byte) {
	end := valueLen(text)
	switch {
	case n == nil || end < 2:
	case text[0] == '"' && n.fields == nil:
		return appendInstantText(dst, text[1:end-1]), text[end:]
	case text[0] == '[':
		for len(text) > 1 && text[0] != ']' { // a bracket or comma, and an element
			dst, text = n.append(append(dst, text[0]), text[1:])
		}
		end = min(1, len(text))
	case text[0] == '{':
		for len(text) > 1 && text[1] == '"' { // a brace or comma, a name, a colon, and a value
			label := 1 + stringLen(text[1:])
			colon := min(label+1, len(text))
			dst, text = n.fields[string(text[1:label])].append(append(dst, text[:colon]...), text[colon:])
		}
		end = min(1, len(text))
	}
	return append(dst, text[:end]...), text[end:]
}

// valueLen is how long the value is that text opens with: up to the comma or
// bracket that ends it.
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

// stringLen is how long the string is that text opens with, quotes included.
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
