package catalog

import "strings"

// valuesOf says which JSON values a column of this type is written as.
func valuesOf(c Column) object {
	element, isArray := elementOf(c.DatabaseType)
	values := valuesOfType(element)
	if isArray {
		values = []object{arrayOf(values)}
	}
	return anyOf(values, c.Nullable)
}

// elementOf takes text[] and _text apart, and drops what stands in brackets:
// numeric(12, 5) is written as numeric is.
func elementOf(databaseType string) (element string, isArray bool) {
	element = strings.ToLower(strings.TrimSpace(databaseType))
	if open := strings.IndexByte(element, '('); open >= 0 {
		end := strings.IndexByte(element, ')')
		element = strings.TrimSpace(element[:open]) + element[max(end, open)+1:]
	}
	for strings.HasSuffix(element, "[]") {
		element, isArray = strings.TrimSuffix(element, "[]"), true
	}
	if strings.HasPrefix(element, "_") {
		element, isArray = element[1:], true
	}
	return element, isArray
}

// valuesOfType lists the forms a value can take; none means it may take any.
func valuesOfType(databaseType string) []object {
	switch databaseType {
	case "bool", "boolean":
		return []object{{{"type", "boolean"}}}
	case "int2", "int4", "int8", "smallint", "integer", "bigint":
		return []object{{{"type", "integer"}}}
	case "float4", "float8", "real", "double precision", "numeric", "decimal":
		return []object{{{"type", "number"}}, {{"enum", []string{"NaN", "Infinity", "-Infinity"}}}}
	case "timestamptz", "timestamp with time zone", "timestamp", "timestamp without time zone": // both are written in UTC
		return []object{{{"type", "string"}, {"format", "date-time"}}, endless}
	case "date":
		return []object{{{"type", "string"}, {"format", "date"}}, endless}
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

// endless are the moments before and after all others.
var endless = object{{"enum", []string{"infinity", "-infinity"}}}

// arrayOf allows arrays in the array: Postgres does not say beforehand how many
// dimensions there are.
func arrayOf(values []object) object {
	if values == nil {
		return object{{"type", "array"}}
	}
	return object{{"type", "array"}, {"items", anyOf(append(values, object{{"type", "array"}}), true)}}
}

// anyOf allows each of the values, and null.
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
