package source

import "github.com/lib/pq/oid"

// typeSet is what is known of each type by its OID.
type typeSet map[int64]pgType

// binaryForm has the types whose binary form we write ourselves, because they make
// up most of what people store. An array of them is written here as well.
var binaryForm = map[oid.Oid]writer{
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
	oid.T_timestamp:   appendInstant,
	oid.T_timestamptz: appendInstant,
}

// textForm has the types whose text Postgres makes, and we only escape or quote.
var textForm = map[oid.Oid]writer{
	oid.T_float4: appendFloat,
	oid.T_float8: appendFloat,
	oid.T_bytea:  appendText,
	oid.T_date:   appendText,
	oid.T_time:   appendText,
	oid.T_uuid:   appendText,
}

// field says how a column of this type travels: the expression to select, the
// type that then arrives, and the writer of its values. What is neither binary
// nor textual Postgres itself makes JSON of, whatever it is.
func (types typeSet) field(typ int64, column string) (expression string, f field) {
	base := types.base(typ)
	if write := types.binary(base); write != nil {
		return column, field{oid: uint32(typ), write: write}
	}
	if element := types[base].Element; element != 0 {
		if write := types.binary(types.base(element)); write != nil {
			return column, field{oid: uint32(typ), write: appendArray(write)}
		}
	}
	if write := textForm[oid.Oid(base)]; write != nil {
		return column + "::pg_catalog.text", field{oid: uint32(oid.T_text), write: write}
	}
	return "pg_catalog.to_json(" + column + ")", field{oid: uint32(oid.T_json), write: types.nested(base).write()}
}

// base is the type a domain stands on, or the type itself.
func (types typeSet) base(typ int64) int64 {
	for types[typ].Kind == "d" {
		typ = types[typ].Base
	}
	return typ
}

// binary is the writer of a type's binary form, or nil. An enum's is its label.
func (types typeSet) binary(typ int64) writer {
	if t := types[typ]; t.Kind == "e" && !t.ToJSON {
		return appendText
	}
	return binaryForm[oid.Oid(typ)]
}
