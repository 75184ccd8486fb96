package catalog_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
)

// values has every type that the schema has a rule for, with extreme values.
var values = []struct{ databaseType, literals string }{
	{"bool", "true; false"},
	{"int2", "-32768"},
	{"int8", "9223372036854775807"},
	{"numeric", "'NaN'; 'Infinity'; '-Infinity'; 123456789012345678901234567890.5; 1e400"},
	{"numeric(12, 5)", "1.50000"},
	{"float4", "1.5; 'NaN'"},
	{"float8", "'-Infinity'; 1e308; -0.0"},
	{"text", `''; e'\u2028"\\\x07'`},
	{"character varying(10)", "'abc'"},
	{"timestamptz", "'infinity'; '-infinity'; '2026-02-28 12:00:00.123456+02'"},
	{"timestamp", "'infinity'; '2026-02-28 12:00:00.5'"},
	{"date", "'2026-02-28'; 'infinity'"},
	{"time", "'23:59:60'"},
	{"interval", "'1 mon -3 days 00:00:01.5'"},
	{"uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"},
	{"inet", "'2001:db8::1/64'"},
	{"bytea", `'\x'; '\x00ff'`},
	{"json", `'{"a":1,"a":2}'; '"\ud800"'; 'null'; '1e400'`},
	{"jsonb", `'[1, {"a": null}]'; 'false'`},
	{"text[]", `'{}'; '{a,NULL,"b,c"}'; '{{a,b},{c,d}}'`},
	{"int4[]", "'{1,2}'; '{{{1}}}'"},
	{"float8[]", "'{NaN,1.5}'"},
	{"timestamptz[]", "'{infinity,2026-01-01T00:00:00Z}'"},
	{"json[]", `array['{"a":1}'::json, null]`},
	{"money", "12.5"},
	{"int4range", "'[1,5)'"},
	{"tsvector", "'a b'"},
}

func TestSchemaAcceptsEveryValueOfAType(t *testing.T) {
	tx := begin(t, testservices.Database(t))
	for _, v := range values {
		field := catalog.Column{Name: "it", DatabaseType: v.databaseType, Nullable: true, Description: "it"}
		s := compile(t, schemaWith(t, field))
		for literal := range strings.SplitSeq(v.literals+"; null", "; ") {
			require.NoError(t, s.Validate(archiveOf(t, tx, literal, v.databaseType)), "%s %s", v.databaseType, literal)
		}
		field.Nullable = false
		if !strings.HasPrefix(v.databaseType, "json") && v.databaseType != "int4range" || strings.HasSuffix(v.databaseType, "[]") {
			require.Error(t, compile(t, schemaWith(t, field)).Validate(archiveOf(t, tx, "null", v.databaseType)), v.databaseType)
		}
	}
}

func TestSchemaRejectsValuesOfOtherTypes(t *testing.T) {
	tx := begin(t, testservices.Database(t))
	for _, c := range []struct{ declared, databaseType, literal string }{
		{"int8", "text", "'1'"},
		{"int8", "numeric", "1.5"},
		{"bool", "int4", "1"},
		{"text", "int4", "1"},
		{"timestamptz", "text", "'yesterday'"},
		{"date", "text", "'28.02.2026'"},
		{"timestamptz", "timestamp", "'2026-02-28 12:00:00'"}, // a local time is no instant
		{"timestamp", "timestamptz", "'2026-02-28 12:00:00+00'"},
		{"float8", "text", "'1.5'"},
		{"bytea", "text", "'00ff'"},
		{"int4[]", "text[]", "'{a}'"},
		{"int4[]", "int4", "1"},
	} {
		s := compile(t, schemaWith(t, catalog.Column{Name: "it", DatabaseType: c.declared, Description: "it"}))
		require.Error(t, s.Validate(archiveOf(t, tx, c.literal, c.databaseType)), "%+v", c)
	}
	s := compile(t, schemaWith(t, catalog.Column{Name: "other", DatabaseType: "int4", Description: "it"}))
	require.Error(t, s.Validate(archiveOf(t, tx, "1", "int4")), "one field missing, one too many")
}

func TestSchemaDescribesEveryFieldOfTheArchive(t *testing.T) {
	columns := typed(exportedFields(t, begin(t, testservices.Database(t))))
	text, err := catalog.ArchiveSchema(columns)
	require.NoError(t, err)
	compile(t, text)
	var s struct {
		Defs map[string]struct {
			Properties map[string]struct{ Description string }
			Required   []string
			Additional *bool `json:"additionalProperties"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &s))
	for _, category := range schema.Categories {
		def := s.Defs[string(category)]
		require.Len(t, def.Properties, len(columns[category]))
		require.Len(t, def.Required, len(columns[category]))
		require.False(t, *def.Additional)
		for name, property := range def.Properties {
			require.NotEmpty(t, property.Description, "%s.%s", category, name)
		}
	}

	again, err := catalog.ArchiveSchema(columns)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))

	delete(columns, "flows")
	_, err = catalog.ArchiveSchema(columns)
	require.ErrorContains(t, err, "no columns of flows")
}

func TestSchemaRejectsAnIncompleteDocument(t *testing.T) {
	text := schemaWith(t, catalog.Column{Name: "it", DatabaseType: "text", Description: "it"})
	s := compile(t, text)
	valid := func() map[string]any {
		return archive(t, map[schema.Category]string{"calls": `[{"it":"x"}]`}).(map[string]any)
	}
	require.NoError(t, s.Validate(valid()))
	entry := func(document map[string]any) map[string]any {
		return document["manifest"].(map[string]any)["calls"].(map[string]any)
	}
	for name, change := range map[string]func(map[string]any){
		"another version":          func(d map[string]any) { d["exportVersion"] = "2.0" },
		"no version":               func(d map[string]any) { delete(d, "exportVersion") },
		"account ID too short":     func(d map[string]any) { d["accountId"] = "AC0" },
		"account ID of a user":     func(d map[string]any) { d["accountId"] = strings.Replace(d["accountId"].(string), "AC", "US", 1) },
		"no account ID":            func(d map[string]any) { delete(d, "accountId") },
		"no instant":               func(d map[string]any) { d["exportedAt"] = "yesterday" },
		"no manifest":              func(d map[string]any) { delete(d, "manifest") },
		"no data":                  func(d map[string]any) { delete(d, "data") },
		"something else":           func(d map[string]any) { d["more"] = true },
		"category missing":         func(d map[string]any) { delete(d["data"].(map[string]any), "users") },
		"category too many":        func(d map[string]any) { d["data"].(map[string]any)["passwords"] = []any{} },
		"category that is null":    func(d map[string]any) { d["data"].(map[string]any)["users"] = nil },
		"category of a record":     func(d map[string]any) { d["data"].(map[string]any)["calls"] = map[string]any{"it": "x"} },
		"record without its field": func(d map[string]any) { d["data"].(map[string]any)["calls"] = []any{map[string]any{}} },
		"record with more": func(d map[string]any) {
			d["data"].(map[string]any)["calls"] = []any{map[string]any{"it": "x", "more": 1}}
		},
		"record that is text": func(d map[string]any) { d["data"].(map[string]any)["calls"] = []any{"x"} },
		"manifest without it": func(d map[string]any) { delete(d["manifest"].(map[string]any), "calls") },
		"records negative":    func(d map[string]any) { entry(d)["records"] = -1 },
		"records in parts":    func(d map[string]any) { entry(d)["records"] = 1.5 },
		"records as text":     func(d map[string]any) { entry(d)["records"] = "1" },
		"hash too short":      func(d map[string]any) { entry(d)["sha256"] = "00" },
		"hash in capitals":    func(d map[string]any) { entry(d)["sha256"] = strings.Repeat("A", 64) },
		"no hash":             func(d map[string]any) { delete(entry(d), "sha256") },
		"read at no instant":  func(d map[string]any) { entry(d)["readAt"] = "now" },
		"no readings":         func(d map[string]any) { entry(d)["readings"] = []any{} },
		"reading of nothing":  func(d map[string]any) { entry(d)["readings"] = []any{map[string]any{}} },
		"entry with more":     func(d map[string]any) { entry(d)["more"] = 1 },
	} {
		document := valid()
		change(document)
		require.Error(t, s.Validate(document), name)
	}

	var document struct {
		Schema     string `json:"$schema"`
		Properties struct {
			Data struct {
				Properties map[schema.Category]struct{ Description string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &document))
	require.Equal(t, "https://json-schema.org/draft/2020-12/schema", document.Schema)
	require.Equal(t, "The account itself, in one record.", document.Properties.Data.Properties["account"].Description)
	require.Equal(t, "All phone numbers of the account, in the order they were written.", document.Properties.Data.Properties["phoneNumbers"].Description)
	for _, category := range schema.Categories {
		columns := map[schema.Category][]catalog.Column{}
		for _, other := range schema.Categories {
			columns[other] = []catalog.Column{{Name: "sid", DatabaseType: "text", Description: "ID"}}
		}
		columns[category][0].Description = ""
		_, err := catalog.ArchiveSchema(columns)
		require.ErrorContains(t, err, string(category)+".sid has no description")
	}
}

// schemaWith describes an archive in which calls has one field.
func schemaWith(t *testing.T, field catalog.Column) []byte {
	t.Helper()
	columns := map[schema.Category][]catalog.Column{}
	for _, category := range schema.Categories {
		columns[category] = []catalog.Column{{Name: "sid", DatabaseType: "text", Description: "ID"}}
	}
	columns["calls"] = []catalog.Column{field}
	text, err := catalog.ArchiveSchema(columns)
	require.NoError(t, err)
	return text
}

func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("archive.json", document))
	s, err := c.Compile("archive.json")
	require.NoError(t, err)
	return s
}

// archiveOf is an archive with one call, whose field "it" is the literal as
// Postgres writes it.
func archiveOf(t *testing.T, tx *sql.Tx, literal, databaseType string) any {
	t.Helper()
	var call string
	require.NoError(t, tx.QueryRow(fmt.Sprintf(`select row_to_json(r) from (select (%s)::%s as it) r`, literal, databaseType)).Scan(&call))
	return archive(t, map[schema.Category]string{"calls": "[" + call + "]"})
}

// archive is an archive with these arrays; the other categories are empty.
func archive(t *testing.T, arrays map[schema.Category]string) any {
	t.Helper()
	var data, manifest []string
	for _, category := range schema.Categories {
		array := arrays[category]
		if array == "" {
			array = "[]"
		}
		data = append(data, fmt.Sprintf("%q:%s", category, array))
		manifest = append(manifest, fmt.Sprintf(`%q:{"records":1,"sha256":"%064d","readAt":"2026-02-28T12:00:00.123456Z","readings":[{"from":0,"readAt":"2026-02-28T12:00:00.123456Z"}]}`, category, 0))
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(fmt.Sprintf(
		`{"exportVersion":"1.0","accountId":"AC%032d","exportedAt":"2026-02-28T12:00:00Z","data":{%s},"manifest":{%s}}`,
		0, strings.Join(data, ","), strings.Join(manifest, ","))))
	require.NoError(t, err)
	return document
}
