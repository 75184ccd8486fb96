package source

import (
	"encoding/binary"
	"errors"

	"github.com/lib/pq/oid"
)

var (
	// errChanged: somebody altered a table or type since the query was
	// described. Reading again describes it anew.
	errChanged = errors.New("the types of its columns have changed")
	errKey     = errors.New("_key is null, empty or repeated")
)

// appendRecord writes the record in wire as a JSON object, and answers the text
// of its key, which stays good as long as wire does. The binary form of a record
// is the number of its columns, and for each its type, its size and its value.
func (p *plan) appendRecord(dst, wire []byte) (_, key []byte, err error) {
	if len(wire) < 4 || int(binary.BigEndian.Uint32(wire)) != 1+len(p.fields) {
		return dst, nil, errChanged
	}
	key, wire, ok := value(wire[4:], uint32(oid.T_text))
	if !ok {
		return dst, nil, errChanged
	}
	if len(key) == 0 {
		return dst, nil, errKey
	}
	for i := range p.fields {
		f := &p.fields[i]
		var v []byte
		if v, wire, ok = value(wire, f.oid); !ok {
			return dst, nil, errChanged
		}
		dst = append(dst, f.label...)
		if v == nil {
			dst = append(dst, "null"...)
			continue
		}
		if dst, ok = f.write(dst, v); !ok {
			return dst, nil, errChanged
		}
	}
	return append(dst, '}'), key, nil
}

// value takes the column that opens wire, nil for null, and what follows it.
func value(wire []byte, typ uint32) (v, rest []byte, ok bool) {
	if len(wire) < 8 || binary.BigEndian.Uint32(wire) != typ {
		return nil, wire, false
	}
	size := int(int32(binary.BigEndian.Uint32(wire[4:])))
	wire = wire[8:]
	if size < 0 {
		return nil, wire, true
	}
	if size > len(wire) {
		return nil, wire, false
	}
	return wire[:size:size], wire[size:], true
}
