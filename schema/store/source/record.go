package source

import (
	"encoding/binary"
	"errors"

	"github.com/lib/pq/oid"
)

var (
	// errTypesChanged means that a table or type was altered after the query was
	// described. The next read describes it again.
	errTypesChanged = errors.New("the types of its columns have changed")
	errInvalidKey   = errors.New("_key is null, empty or repeated")
	errTooLarge     = errors.New("a record is larger than MAX_RECORD_BYTES allows")
)

// appendRecord appends the record in wire as a JSON object and returns the text
// of its key, which is a slice of wire. The binary form of a record is the
// number of its columns, and for each its type, its size and its value. In place of a
// record that is too large comes its key alone.
func (p *queryPlan) appendRecord(dst, wire []byte) (_, key []byte, err error) {
	if len(wire) < 4 {
		return dst, nil, errTypesChanged
	}
	columns := int(binary.BigEndian.Uint32(wire))
	key, wire, ok := cutColumn(wire[4:], uint32(oid.T_text))
	if columns == 1 && ok {
		return dst, key, errTooLarge
	}
	if columns != 1+len(p.fields) {
		return dst, nil, errTypesChanged
	}
	if !ok {
		return dst, nil, errTypesChanged
	}
	if len(key) == 0 {
		return dst, nil, errInvalidKey
	}
	for i := range p.fields {
		f := &p.fields[i]
		var v []byte
		if v, wire, ok = cutColumn(wire, f.oid); !ok {
			return dst, nil, errTypesChanged
		}
		dst = append(dst, f.label...)
		if v == nil {
			dst = append(dst, "null"...)
			continue
		}
		if dst, ok = f.write(dst, v); !ok {
			return dst, nil, errTypesChanged
		}
	}
	return append(dst, '}'), key, nil
}

// cutColumn returns the value of the first column in wire, nil for null, and the
// rest of wire. ok is false if that column is not of the type typ.
func cutColumn(wire []byte, typ uint32) (v, rest []byte, ok bool) {
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
