package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheJSONTypeOfEveryDatabaseType(t *testing.T) {
	const (
		float       = `{"anyOf":[{"type":"number"},{"enum":["NaN","Infinity","-Infinity"]}]}`
		timestamp   = `{"anyOf":[{"type":"string","format":"date-time"},{"type":"string","pattern":"^[+-][0-9]{6,7}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?Z$"},{"enum":["infinity","-infinity"]}]}`
		local       = `{"anyOf":[{"type":"string","pattern":"^([0-9]{4}|[+-][0-9]{6})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?$"},{"enum":["infinity","-infinity"]}]}`
		date        = `{"anyOf":[{"type":"string","format":"date"},{"type":"string","pattern":"^[+-][0-9]{6,7}-[0-9]{2}-[0-9]{2}$"},{"enum":["infinity","-infinity"]}]}`
		anyTexts    = `{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"array"},{"type":"null"}]}}`
		anyIntegers = `{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"array"},{"type":"null"}]}}`
	)
	for databaseType, want := range map[string]string{
		"bool": `{"type":"boolean"}`, "boolean": `{"type":"boolean"}`,
		"int2": `{"type":"integer"}`, "int4": `{"type":"integer"}`, "int8": `{"type":"integer"}`,
		"smallint": `{"type":"integer"}`, "integer": `{"type":"integer"}`, "bigint": `{"type":"integer"}`,
		"float4": float, "float8": float, "real": float, "double precision": float, "numeric": float, "decimal": float, "numeric(12, 5)": float,
		"timestamptz": timestamp, "timestamp": local, "timestamp with time zone": timestamp, "timestamp without time zone": local,
		"timestamp(3) with time zone": timestamp,
		"date":                        date,
		"uuid":                        `{"type":"string","format":"uuid"}`,
		"bytea":                       `{"type":"string","pattern":"^\\\\x([0-9a-f]{2})*$"}`,
		"text":                        `{"type":"string"}`, "varchar": `{"type":"string"}`, "character varying(10)": `{"type":"string"}`, "bpchar": `{"type":"string"}`,
		`"char"`: `{"type":"string"}`, "name": `{"type":"string"}`, "time": `{"type":"string"}`, "interval": `{"type":"string"}`, "inet": `{"type":"string"}`,
		"money": `{"type":"string"}`, "TEXT": `{"type":"string"}`, " text ": `{"type":"string"}`,
		"json": `{}`, "jsonb": `{}`, "int4range": `{}`, "mood": `{}`,
		"text[]": anyTexts, "_text": `{}`, "text[][]": anyTexts, "varchar(3)[]": anyTexts, "integer[]": anyIntegers,
		"float8[]": `{"type":"array","items":{"anyOf":[{"type":"number"},{"enum":["NaN","Infinity","-Infinity"]},{"type":"array"},{"type":"null"}]}}`,
		"json[]":   `{"type":"array"}`, "mood[]": `{"type":"array"}`,
	} {
		got, err := jsonTypeOf(Column{DatabaseType: databaseType}).MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, want, string(got), databaseType)
	}
	for databaseType, want := range map[string]string{
		"text":   `{"type":["string","null"]}`,
		"uuid":   `{"type":["string","null"],"format":"uuid"}`,
		"date":   `{"anyOf":[{"type":"string","format":"date"},{"type":"string","pattern":"^[+-][0-9]{6,7}-[0-9]{2}-[0-9]{2}$"},{"enum":["infinity","-infinity"]},{"type":"null"}]}`,
		"json":   `{}`,
		"int4":   `{"type":["integer","null"]}`,
		"json[]": `{"type":["array","null"]}`,
	} {
		got, err := jsonTypeOf(Column{DatabaseType: databaseType, Nullable: true}).MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, want, string(got), databaseType)
	}
}

func TestDescriptionsAreSentencesWithoutHTMLEscapes(t *testing.T) {
	require.Equal(t, "ID of it.", sentence("ID of it"))
	require.Equal(t, "When it was made.", sentence("when it was made"))
	require.Equal(t, "Is it? Yes!", sentence("is it? Yes!"))
	require.Equal(t, "Really?", sentence("really?"))
	require.Equal(t, "Done.", sentence("done."))
	require.Equal(t, "état.", sentence("état"))
	got, err := object{{"b", "<&>"}, {"a", object{{"<", 1}}}}.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, `{"b":"<&>","a":{"<":1}}`, string(got), "in the members' order")
}
