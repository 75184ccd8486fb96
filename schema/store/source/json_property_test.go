package source_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestAnyRowIsWrittenAsPostgresWritesIt compares random rows with row_to_json.
func TestAnyRowIsWrittenAsPostgresWritesIt(t *testing.T) {
	t.Parallel()
	db, writer := open(t,
		`create type stay as (since timestamp, place text, notes json)`,
		`create table t (id bigint generated always as identity primary key, s text, c char(7), i2 smallint, i4 int, i8 bigint, f4 real, f8 float8, n numeric,
			b bytea, j json, jb jsonb, at timestamptz, local timestamp, d date, texts text[], numbers numeric[], moments timestamptz[], stay stay, stays stay[])`)
	const query = `select id as _key, s, c, i2, i4, i8, f4, f8, n, b, j, jb, at, local, d, texts, numbers, moments, stay, stays from t where $1 <> ''`
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(rt, "rows") {
			text, timestamp, document := anyText().Draw(rt, "text"), anyTimestamp().Draw(rt, "timestamp"), anyJSON(3).Draw(rt, "json")
			_, err := writer.Exec(`insert into t (s, c, i2, i4, i8, f4, f8, n, b, j, jb, at, local, d, texts, numbers, moments, stay, stays)
				values ($1::text, left($1, 7), $2::int8 % 32768, $2 % 2147483648, $2, $3::text::real, $3::float8, $4::text::numeric,
					convert_to($1, 'UTF8'), $5::text::json, $5::jsonb, $6::text::timestamptz, $6::timestamptz at time zone 'UTC', $7::text::date,
					$8, $9, array[$6::timestamptz, null], row($6::timestamptz at time zone 'UTC', $1, $5)::stay,
					array[row(null, null, null), row('infinity', $1, $5), null]::stay[])`,
				text, rapid.Int64().Draw(rt, "int"), anyFloat().Draw(rt, "float"), anyNumeric().Draw(rt, "numeric"), document, timestamp,
				anyDate().Draw(rt, "date"), pq.StringArray(rapid.SliceOfN(anyText(), 0, 4).Draw(rt, "texts")), pq.StringArray(rapid.SliceOfN(anyNumeric(), 0, 4).Draw(rt, "numbers")))
			require.NoError(rt, err)
		}
		got, _ := read(t, db, query, "AC", "")
		want := rowToJSON(t, writer, query)
		require.Len(rt, got, len(want))
		for i := range want {
			require.Equal(rt, withISOTimestamps(t, "timestamp", want[i]), got[i])
		}
		_, err := writer.Exec(`truncate t`)
		require.NoError(rt, err)
	})
}

func anyText() *rapid.Generator[string] {
	character := rapid.OneOf(rapid.SampledFrom([]rune("\"\\/\b\f\n\r\t\x01\x1f\x7f {}[],:<>&'\u2028\u2029é😀")), rapid.Rune().Filter(func(r rune) bool { return r != 0 }))
	return rapid.StringOfN(character, 0, 40, -1)
}

func anyFloat() *rapid.Generator[string] {
	number := rapid.Custom(func(t *rapid.T) string {
		return strconv.FormatFloat(float64(rapid.Float32().Draw(t, "f")), 'g', -1, 64)
	})
	return rapid.OneOf(number, rapid.SampledFrom([]string{"NaN", "Infinity", "-Infinity", "-0", "1e15", "1e-5", "0.1"}))
}

func anyNumeric() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringMatching(`-?[0-9]{1,40}(\.[0-9]{0,40})?`), rapid.StringMatching(`-?(0|10|9999|0000)\.0{0,9}[0-9]{0,3}`),
		rapid.StringMatching(`[1-9]e-?[1-9][0-9]?[0-9]?`), rapid.SampledFrom([]string{"NaN", "Infinity", "-Infinity"}))
}

// anyTimestamp generates any timestamp that Postgres can store, as it reads it.
func anyTimestamp() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"infinity", "-infinity"}), rapid.Custom(func(t *rapid.T) string {
		year := rapid.OneOf(rapid.IntRange(1, 294275), rapid.IntRange(1890, 2110), rapid.SampledFrom([]int{4, 100, 400, 1600, 2000})).Draw(t, "year")
		era := ""
		if year <= 4713 && rapid.Bool().Draw(t, "bc") {
			era = " BC"
		}
		return fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d.%06d+00%s", year, rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day"),
			rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 59).Draw(t, "second"),
			rapid.OneOf(rapid.IntRange(0, 999999), rapid.SampledFrom([]int{0, 1, 100000, 500})).Draw(t, "microsecond"), era)
	}))
}

func anyDate() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%04d-%02d-%02d", rapid.IntRange(1, 20000).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day"))
	})
}

// anyJSON generates any JSON, with any white space between its tokens.
func anyJSON(depth int) *rapid.Generator[string] {
	blank := rapid.StringOfN(rapid.SampledFrom([]rune(" \t\n\r")), 0, 2, -1)
	scalar := rapid.OneOf(rapid.SampledFrom([]string{"null", "true", "0", "-1.50e+3", "123456789012345678901234567890", `"\u00e9\\\"]}"`, `"\u2028,"`}),
		rapid.StringMatching(`"[a-z ,:\[\]{}]{0,10}"`))
	return rapid.Custom(func(t *rapid.T) string {
		pad := func(s string) string { return blank.Draw(t, "before") + s + blank.Draw(t, "after") }
		kind := 0
		if depth > 0 {
			kind = rapid.IntRange(0, 2).Draw(t, "kind")
		}
		if kind == 0 {
			return pad(scalar.Draw(t, "scalar"))
		}
		parts := rapid.SliceOfN(anyJSON(depth-1), 0, 3).Draw(t, "parts")
		if kind == 1 {
			return pad("[" + strings.Join(parts, ",") + "]")
		}
		for i, part := range parts {
			parts[i] = pad(rapid.SampledFrom([]string{`"a"`, `"b\n"`, `""`}).Draw(t, "name")) + ":" + part
		}
		return pad("{" + strings.Join(parts, ",") + "}")
	})
}
