package catalog

import "strings"

// jsonTypeOf is the schema of the JSON values that a column of this type is
// written as.
func jsonTypeOf(c Column) object {
	element, isArray := elementOf(c.DatabaseType)
	values := alternatives(element)
	if isArray {
		values = []object{arrayOf(values)}
	}
	return anyOf(values, c.Nullable)
}

// elementOf returns the element type of text[], without a modifier in
// parentheses: numeric(12, 5) is written as numeric is.
func elementOf(databaseType string) (element string, isArray bool) {
	element = strings.ToLower(strings.TrimSpace(databaseType))
	if open := strings.IndexByte(element, '('); open >= 0 {
		end := strings.IndexByte(element, ')')
		element = strings.TrimSpace(element[:open]) + element[max(end, open)+1:]
	}
	for strings.HasSuffix(element, "[]") {
		element, isArray = strings.TrimSuffix(element, "[]"), true
	}
	return element, isArray
}

// alternatives returns the schemas that a value can match; nil means any value.
func alternatives(databaseType string) []object {
	switch databaseType {
	case "bool", "boolean":
		return []object{{{"type", "boolean"}}}
	case "int2", "int4", "int8", "smallint", "integer", "bigint":
		return []object{{{"type", "integer"}}}
	case "float4", "float8", "real", "double precision", "numeric", "decimal":
		return []object{{{"type", "number"}}, {{"enum", []string{"NaN", "Infinity", "-Infinity"}}}}
	case "timestamptz", "timestamp with time zone":
		return []object{{{"type", "string"}, {"format", "date-time"}}, expandedYear(timePattern + "Z"), infinite}
	case "timestamp", "timestamp without time zone":
		return []object{{{"type", "string"}, {"pattern", "^([0-9]{4}|[+-][0-9]{6})-[0-9]{2}-[0-9]{2}" + timePattern + "$"}}, infinite}
	case "date":
		return []object{{{"type", "string"}, {"format", "date"}}, expandedYear(""), infinite}
	case "uuid":
		return []object{{{"type", "string"}, {"format", "uuid"}}}
	case "bytea":
		return []object{{{"type", "string"}, {"pattern", `^\\x([0-9a-f]{2})*$`}}}
	case "text", "varchar", "character varying", "bpchar", "character", "char", `"char"`, "name", "citext",
		"time", "time without time zone", "timetz", "time with time zone", "interval",
		"inet", "cidr", "macaddr", "macaddr8", "money", "bit", "varbit", "bit varying", "xml", "tsvector", "tsquery", "oid":
		return []object{{{"type", "string"}}}
	default: // json, jsonb, and types of a company's own
		return nil
	}
}

// timePattern matches a time of day behind a date.
const timePattern = `T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?`

// expandedYear is the schema of a date outside the years 0000 to 9999, which the formats
// of JSON Schema do not allow, with what follows it.
func expandedYear(rest string) object {
	return object{{"type", "string"}, {"pattern", "^[+-][0-9]{6,7}-[0-9]{2}-[0-9]{2}" + rest + "$"}}
}

// noteOf is a sentence that the description of a column of this type needs, or "".
func noteOf(c Column) string {
	switch element, _ := elementOf(c.DatabaseType); element {
	case "timestamp", "timestamp without time zone":
		return "This is a local time: its time zone is not known, and it is no instant."
	}
	return ""
}

// infinite are the values before and after all other dates and timestamps.
var infinite = object{{"enum", []string{"infinity", "-infinity"}}}

// arrayOf is the schema of an array. It allows arrays within the array, because a
// Postgres array type does not fix the number of dimensions.
func arrayOf(values []object) object {
	if values == nil {
		return object{{"type", "array"}}
	}
	return object{{"type", "array"}, {"items", anyOf(append(values, object{{"type", "array"}}), true)}}
}

// anyOf is the schema that allows each of the values, and null if nullable.
func anyOf(values []object, nullable bool) object {
	if len(values) == 0 {
		return object{}
	}
	if !nullable {
		if len(values) == 1 {
			return values[0]
		}
		return object{{"anyOf", values}}
	}
	if one := values[0]; len(values) == 1 && one[0].name == "type" {
		return append(object{{"type", []any{one[0].value, "null"}}}, one[1:]...)
	}
	return object{{"anyOf", append(values[:len(values):len(values)], object{{"type", "null"}})}}
}
