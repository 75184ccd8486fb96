package source

import "github.com/lib/pq/oid"

// typeSet holds the types of a query by OID.
type typeSet map[int64]pgType

// binaryWriters has the types that are received in their binary form, because
// they make up most of what is stored. Arrays of them are received so as well.
var binaryWriters = map[oid.Oid]valueWriter{
	oid.T_bool:        appendBool,
	oid.T_int2:        appendInt,
	oid.T_int4:        appendInt,
	oid.T_int8:        appendInt,
	oid.T_numeric:     appendNumeric,
	oid.T_text:        appendText,
	oid.T_varchar:     appendText,
	oid.T_bpchar:      appendText,
	oid.T_name:        appendText,
	oid.T_json:        appendJSON,
	oid.T_jsonb:       appendJSONB,
	oid.T_timestamp:   appendLocalTimestamp,
	oid.T_timestamptz: appendTimestamp,
}

// textWriters has the types that are received as Postgres' text, which is then
// only escaped or quoted, or put into the form of ISO 8601.
var textWriters = map[oid.Oid]valueWriter{
	oid.T_float4: appendFloat,
	oid.T_float8: appendFloat,
	oid.T_bytea:  appendText,
	oid.T_date:   appendDate,
	oid.T_time:   appendText,
	oid.T_uuid:   appendText,
}

// field returns how a column of this type is read: the expression to select,
// and the field with the type that is received and the writer of its values.
// Any type that is in neither map is converted to JSON by Postgres itself.
func (types typeSet) field(typ int64, column string) (expression string, f field) {
	base := types.base(typ)
	if write := types.binaryWriter(base); write != nil {
		return column, field{oid: uint32(typ), write: write}
	}
	if element := types[base].Element; element != 0 {
		if write := types.binaryWriter(types.base(element)); write != nil {
			return column, field{oid: uint32(typ), write: appendArray(write)}
		}
	}
	if write := textWriters[oid.Oid(base)]; write != nil {
		return column + "::pg_catalog.text", field{oid: uint32(oid.T_text), write: write}
	}
	return "pg_catalog.to_json(" + column + ")", field{oid: uint32(oid.T_json), write: types.rewriter(base).writer()}
}

// base returns the type that a domain is based on, or the type itself.
func (types typeSet) base(typ int64) int64 {
	for types[typ].Kind == "d" {
		typ = types[typ].Base
	}
	return typ
}

// binaryWriter returns the writer of a type's binary form, or nil. The binary
// form of an enum is its label.
func (types typeSet) binaryWriter(typ int64) valueWriter {
	if t := types[typ]; t.Kind == "e" && !t.ToJSON {
		return appendText
	}
	return binaryWriters[oid.Oid(typ)]
}
