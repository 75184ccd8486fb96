package source_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/catalog"
)

// recordSchema is the JSON Schema of a record of calls that has these columns.
func recordSchema(t *testing.T, columns []catalog.Column) *jsonschema.Schema {
	t.Helper()
	all := map[schema.Category][]catalog.Column{}
	for _, c := range schema.Categories {
		all[c] = columns
	}
	text, err := catalog.ArchiveSchema(all)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("archive.json", document))
	s, err := c.Compile("archive.json#/$defs/calls")
	require.NoError(t, err)
	return s
}

func TestTheJSONSchemaAcceptsEveryValueOfEveryTypeAsItIsWritten(t *testing.T) {
	t.Parallel()
	db, _ := open(t, append(userTypes, `create domain _amount as numeric`)...)
	values := map[string][]string{"_amount": {`1.5`, `'NaN'`}}
	for typ, list := range poison {
		values[typ] = list
	}
	for typ, list := range values {
		rows := make([]string, len(list))
		for i, v := range list {
			rows[i] = fmt.Sprintf("(%d, (%s)::%s)", i, v, typ)
		}
		query := `select k as _key, v as "it" from (values ` + strings.Join(rows, ", ") + `) t(k, v) where $1 <> ''`
		described, err := db.Describe(t.Context(), query)
		require.NoError(t, err)
		s := recordSchema(t, []catalog.Column{{Name: "it", DatabaseType: described[0].Type, Nullable: true, Description: "it"}})
		written, _ := read(t, db, query, "AC", "")
		require.Len(t, written, len(list))
		for _, record := range written {
			document, err := jsonschema.UnmarshalJSON(strings.NewReader(record))
			require.NoError(t, err)
			require.NoError(t, s.Validate(document), "%s as %s: %.200s", typ, described[0].Type, record)
		}
	}
}

func TestALocalTimeIsNeverWrittenOrDescribedAsAnInstant(t *testing.T) {
	t.Parallel()
	db, _ := open(t, `create type visit as (at timestamp, until date)`)
	const query = `select 1 as _key, timestamp '2026-02-28 12:00' as "local", timestamp '2026-07-28 12:00' at time zone 'Europe/Berlin' as "instant",
		array[timestamp '2026-02-28 12:00'] as "locals", row('2026-02-28 12:00', '20261-05-01')::visit as "inside" where $1 <> ''`
	written, _ := read(t, db, query, "AC", "")
	require.Equal(t, []string{`{"local":"2026-02-28T12:00:00","instant":"2026-07-28T10:00:00Z","locals":["2026-02-28T12:00:00"],"inside":{"at":"2026-02-28T12:00:00","until":"+020261-05-01"}}`}, written)

	described, err := db.Describe(t.Context(), query)
	require.NoError(t, err)
	var columns []catalog.Column
	for _, c := range described {
		columns = append(columns, catalog.Column{Name: c.Name, DatabaseType: c.Type, Description: "when it was"})
	}
	all := map[schema.Category][]catalog.Column{}
	for _, c := range schema.Categories {
		all[c] = columns
	}
	text, err := catalog.ArchiveSchema(all)
	require.NoError(t, err)
	const note = "When it was. This is a local time: its time zone is not known, and it is no instant."
	require.Equal(t, 2*len(schema.Categories), strings.Count(string(text), note), "of local and locals alone")
}
