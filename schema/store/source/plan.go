package source

import (
	"errors"
	"fmt"
	"strings"
)

// plan is how a catalog query is read: what is selected, and who writes it.
//
// The whole row comes as one value, made by record_send: its columns in their
// binary forms, one after the other. Against a select of the columns as text
// that saves the driver two allocations a column and Postgres the formatting of
// numbers and timestamps; against row_to_json it saves Postgres most of the
// work. Types that are rare or hard are made JSON by Postgres itself.
type plan struct {
	query   string
	key     string // type of _key, as a cast says it
	record  string // expression for the row's key and record
	columns []Column
	fields  []field
}

// field writes one column.
type field struct {
	label []byte // what stands before the value: {"name": or ,"name":
	oid   uint32 // type of the value in the record
	write writer
}

// OIDs of built-in types never change.
const (
	oidBool, oidBytea, oidName, oidInt8, oidInt2, oidInt4, oidText = 16, 17, 19, 20, 21, 23, 25
	oidJSON, oidFloat4, oidFloat8                                  = 114, 700, 701
	oidBpchar, oidVarchar, oidDate, oidTime                        = 1042, 1043, 1082, 1083
	oidTimestamp, oidTimestamptz, oidNumeric, oidUUID, oidJSONB    = 1114, 1184, 1700, 2950, 3802
)

func newPlan(query string, names []string, oids []int64, types map[int64]pgType) (*plan, error) {
	switch types[oids[0]].Kind {
	case "b", "d", "e":
	default:
		return nil, errors.New("_key must have a type that can be cast from text")
	}
	p := &plan{query: query, key: types[oids[0]].Cast}
	var record strings.Builder
	record.WriteString("pg_catalog.record_send(row(" + column("_key") + "::pg_catalog.text")
	for i, name := range names[1:] {
		t, ok := types[oids[i+1]]
		if !ok {
			return nil, fmt.Errorf("column %q has no type", name)
		}
		expression, f := travel(column(name), t, types)
		f.label = append(appendString([]byte{",{"[b2i(i == 0)]}, []byte(name)), ':')
		record.WriteString(", " + expression)
		p.columns = append(p.columns, Column{Name: name, Type: t.Name})
		p.fields = append(p.fields, f)
	}
	record.WriteString("))")
	p.record = record.String()
	return p, nil
}
