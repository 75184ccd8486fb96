package source_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// poison has, by type, values that commonly break exporters.
var poison = map[string][]string{
	"text": {`''`, `'plain'`, `null`, `E'\x01\x02\x1f\x7f'`, `E'tab\tnew\nreturn\rfeed\fback\b'`, `'"quoted" \back/slash'`, `U&'\2028\2029\FEFF'`, `'😀 emoji'`, `'</script>&amp;'`,
		`E'eight678\n'`, `E'\n'`, `E'seven67"'`, `E'exactly8'`, `repeat(E'\\', 9)`, `repeat('x', 100000)`, `repeat('é', 600) || '"'`},
	"varchar(10)":      {`'abc'`, `''`, `null`},
	"char(5)":          {`'ab'`, `''`, `null`},
	`"char"`:           {`'x'`, `''`, `'"'`},
	"name":             {`'a "name"'`, `''`},
	"boolean":          {`true`, `false`, `null`},
	"smallint":         {`-32768`, `32767`, `0`, `null`},
	"integer":          {`-2147483648`, `2147483647`, `0`},
	"bigint":           {`-9223372036854775808`, `9223372036854775807`, `0`},
	"oid":              {`4294967295`, `0`},
	"real":             {`'NaN'`, `'Infinity'`, `'-Infinity'`, `0.1`, `-0.0`, `1e10`, `3.4028235e38`, `1e-45`, `16777217`},
	"double precision": {`'NaN'`, `'Infinity'`, `'-Infinity'`, `0.1`, `'-0'`, `1e300`, `5e-324`, `1e15`, `123456789012345678`, `0.3::float8 + 0.6::float8`, `null`},
	"numeric": {`'NaN'`, `'Infinity'`, `'-Infinity'`, `0`, `0.0`, `0.000`, `-0.5`, `1e400`, `-1e400`, `1e-400`, `123456789012345678901234567890`, `-0.123456789012345678901234567890`, `10000`, `9999`, `100000000`,
		`99999999.00010000`, `0.0001`, `0.00001`, `1.10`, `12345.6789`, `10000.0001`, `1e16383`, `0.00000000000000000001`, `5000`, `0.5000`, `null`},
	"numeric(20,5)":                 {`1`, `1.5`, `-99999.99999`, `0`},
	"json":                          {`'{"a":1,"a":2}'`, `'"\ud800"'`, `E' { "b" :\n [ 1 ,\t2 ] } '`, `'null'`, `'1e400'`, `'"\u0000"'`, `'123456789012345678901234567890'`, `null`},
	"jsonb":                         {`'{"a":1,"a":2}'`, `'1e400'`, `'123456789012345678901234567890.10'`, `'null'`, `'"<>& 😀"'`, `'{"z":[1,2,{"y":null}],"a":"\u2028"}'`, `null`},
	"bytea":                         {`'\x'`, `'\x00ff22'`, `null`},
	"uuid":                          {`'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'`, `null`},
	"date":                          {`'infinity'`, `'-infinity'`, `'0044-03-15 BC'`, `'2026-02-28'`, `'5874897-12-31'`, `'4713-01-01 BC'`, `'10000-01-01'`},
	"time":                          {`'24:00:00'`, `'00:00:00.000001'`, `'12:30'`, `null`},
	"time with time zone":           {`'12:30:00.5+05:30'`, `'00:00:00-15:59:59'`},
	"timestamp with time zone":      timestamps("+00"),
	"timestamp without time zone":   timestamps(""),
	"interval":                      {`'1 year -2 mons +3 days -04:05:06.789'`, `'0'`, `null`},
	"money":                         {`'1234.56'`, `'-0.01'`},
	"bit(5)":                        {`B'10101'`},
	"varbit":                        {`B''`, `B'101'`},
	"inet":                          {`'10.0.0.1'`, `'10.0.0.1/8'`, `'::1'`, `null`},
	"cidr":                          {`'10.0.0.0/8'`},
	"macaddr":                       {`'08:00:2b:01:02:03'`},
	"xml":                           {`'<a b="c">é</a>'`},
	"point":                         {`'(1.5,-2)'`, `null`},
	"box":                           {`'(1,2),(3,4)'`},
	"tsvector":                      {`'a:1 "b"'`, `null`},
	"int4range":                     {`'[1,5)'`, `'empty'`, `'(,)'`},
	"tstzrange":                     {`'["2026-01-01 00:00:00+02",infinity)'`, `null`},
	"int8multirange":                {`'{[1,2),[5,6)}'`},
	"pg_lsn":                        {`'16/B374D848'`},
	"regclass":                      {`'pg_class'`},
	"int2vector":                    {`'1 2 3'`},
	"text[]":                        {`'{}'`, `null`, `array['a', null, '', E'q"\n', 'NULL']`, `array[array['a','b'],array[null,'d']]`, `'[2:3]={x,y}'`, `array[array[array['😀']]]`},
	"varchar(3)[]":                  {`'{abc,d}'`},
	"int[]":                         {`'{1,-2,null}'`, `'{{1,2},{3,4}}'`, `'{}'`},
	"smallint[]":                    {`'{1,2,3,4,5}'`},
	"bigint[]":                      {`'{9223372036854775807}'`},
	"boolean[]":                     {`'{t,f,null}'`},
	"numeric[]":                     {`'{1.10,NaN,null,1e30}'`},
	"double precision[]":            {`'{NaN,Infinity,0.1,null}'`},
	"json[]":                        {`array['{"a": 1,"a":2}'::json, null]`},
	"jsonb[]":                       {`array['{"a": 1}'::jsonb, 'null']`},
	"uuid[]":                        {`'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'`},
	"date[]":                        {`'{2026-01-01,infinity,null}'`, `'{}'`, `'{20261-05-01,0044-03-15 BC}'`},
	"bytea[]":                       {`array['\x00'::bytea]`},
	"interval[]":                    {`'{1 day}'`},
	"timestamp with time zone[]":    {`'{}'`, `null`, `array['2026-01-01 00:00:00.5+00'::timestamptz, null, 'infinity']`, `array[array['0044-03-15 12:00 BC'::timestamptz],array['12345-01-01 00:00+00'::timestamptz]]`},
	"timestamp without time zone[]": {`array['2026-01-01 00:00:00.5'::timestamp, null, '-infinity']`},

	// User-defined types.
	"mood":       {`'sad "face"'`, `'happy'`, `null`},
	"mood[]":     {`array['happy', null]::mood[]`},
	"phone":      {`'+44 "7"'`, `null`},
	"phone[]":    {`array['+1']::phone[]`},
	"moment":     {`'2026-01-01 00:00:00.25+00'`, `null`},
	"moment[]":   {`array['2026-01-01 00:00:00.25+00', null]::moment[]`},
	"tags":       {`array['a','b']`, `null`},
	"moments":    {`array['2026-01-01 00:00:00.25+00'::timestamptz]`},
	"moments[]":  {`array[array['2026-01-01 00:00:00.25+00'::timestamptz]::moments, null]::moments[]`},
	"cents":      {`5`, `null`},
	"plain_pair": {`row(1, 'a "b"')::plain_pair`, `row(null, null)::plain_pair`, `null`},
	"visit":      {`row('2026-01-01 00:00:00.5+00', 'a,"2026-01-01T00:00:00+00:00"]}', array['2026-01-02'::timestamp, null], ' {"x" : [1 , "]}"] , "y":null } ', null)::visit`, `row(null, null, null, null, null)::visit`, `null`},
	"visit[]":    {`array[row('infinity', null, '{}', '1', row(1, 'é')::plain_pair)::visit, null]`, `'{}'`},
	"journey":    {`row(array[row('2026-01-01 00:00:00.5+00', 'x', null, 'null', null)::visit], row('-infinity', '', '{}', '"\""', null)::visit, 7)::journey`},
	"floatrange": {`'[1.5,2.5]'`},
	"ciphered":   {`'x'`, `null`},
}

func timestamps(zone string) (values []string) {
	for _, v := range []string{"2026-02-28 12:00:00", "2026-02-28 12:00:00.1", "2026-02-28 12:00:00.123456", "1999-12-31 23:59:59.999999", "2000-01-01 00:00:00", "2000-02-29 00:00:00", "1900-02-28 23:59:59.5",
		"1969-12-31 23:59:59.999999", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "10000-01-01 00:00:00", "294276-12-31 23:59:59.999999", "1600-02-29 12:00:00"} {
		values = append(values, "'"+v+zone+"'")
	}
	for _, v := range []string{"0001-12-31 23:59:59.5", "0044-03-15 12:00:00", "4714-11-24 00:00:00", "0401-02-28 00:00:00", "0005-02-29 01:02:03"} {
		values = append(values, "'"+v+zone+" BC'")
	}
	return append(values, "'infinity'", "'-infinity'", "null")
}

var userTypes = []string{
	`create type mood as enum ('sad "face"', 'happy')`,
	`create domain phone as text check (value like '+%')`,
	`create domain moment as timestamptz`,
	`create domain tags as text[]`,
	`create domain moments as timestamptz[]`,
	`create domain cents as integer`,
	`create type plain_pair as (n integer, "the ""text""" text)`,
	`create type visit as (at timestamptz, "who "":{" text, "then" timestamp[], raw json, pair plain_pair)`,
	`create type journey as (visits visit[], last visit, n int)`,
	`create type floatrange as range (subtype = float8)`,
	`create type ciphered as enum ('x')`,
	`create function ciphered_to_json(ciphered) returns json language sql immutable as $$ select '{"cipher": true}'::json $$`,
	`create cast (ciphered as json) with function ciphered_to_json(ciphered)`,
}

// TestEveryValueIsWrittenAsPostgresWritesIt compares each poison value with
// row_to_json: the same bytes, except for dates and timestamps.
func TestEveryValueIsWrittenAsPostgresWritesIt(t *testing.T) {
	t.Parallel()
	db, writer := open(t, userTypes...)
	for typ, values := range poison {
		t.Run(typ, func(t *testing.T) {
			rows := make([]string, len(values))
			for i, v := range values {
				rows[i] = fmt.Sprintf("(%d, (%s)::%s)", i, v, typ)
			}
			query := `select k as _key, v as "v ""of"" it", v as "again" from (values ` + strings.Join(rows, ", ") + `) t(k, v) where $1 <> ''`
			got, _ := read(t, db, query, "AC", "")
			want := rowToJSON(t, writer, query)
			require.Len(t, got, len(values))
			for i := range want {
				require.Equal(t, withISOTimestamps(t, typ, want[i]), got[i], "%s: %s", typ, values[i])
				require.True(t, json.Valid([]byte(got[i])), "%s: %s: %s", typ, values[i], got[i])
			}
		})
	}
}

// rowToJSON returns Postgres' own JSON of the same query's records.
func rowToJSON(t testing.TB, writer *sql.DB, query string) (records []string) {
	t.Helper()
	tx, err := writer.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // reads only
	_, err = tx.Exec("set local timezone = 'UTC'")
	require.NoError(t, err)
	columns, err := tx.Query("select * from ("+query+") q limit 0", "AC")
	require.NoError(t, err)
	names, err := columns.Columns()
	require.NoError(t, err)
	require.NoError(t, columns.Close())
	for i, name := range names {
		names[i] = "q." + `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	rows, err := tx.Query("select row_to_json(r)::text from (select "+strings.Join(names[1:], ",")+" from ("+query+") q order by q._key) r", "AC")
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // read to the end
	for rows.Next() {
		var record string
		require.NoError(t, rows.Scan(&record))
		records = append(records, record)
	}
	require.NoError(t, rows.Err())
	return records
}

var (
	timestampTypes = regexp.MustCompile(`date|timestamp|moment|visit|journey`)
	// timestamp matches a string that is a date or timestamp in Postgres' JSON.
	timestamp = regexp.MustCompile(`([:,\[])"(\d{4,7})(-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?)?)(\+00:00)?( BC)?"`)
)

// withISOTimestamps rewrites the dates and timestamps in Postgres' JSON to the promised form.
func withISOTimestamps(t testing.TB, typ, record string) string {
	t.Helper()
	if !timestampTypes.MatchString(typ) {
		return record
	}
	return timestamp.ReplaceAllStringFunc(record, func(found string) string {
		m := timestamp.FindStringSubmatch(found)
		year, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		written := fmt.Sprintf("%04d", year)
		if m[5] != "" {
			if year = 1 - year; year == 0 {
				written = "0000"
			} else {
				written = fmt.Sprintf("%+07d", year)
			}
		} else if year > 9999 {
			written = fmt.Sprintf("%+07d", year)
		}
		zone := ""
		if m[4] != "" {
			zone = "Z" // only an instant has one
		}
		return m[1] + `"` + written + m[3] + zone + `"`
	})
}
