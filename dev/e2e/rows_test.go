package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/catalog"
)

var zoned = regexp.MustCompile(`^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$`)

// inUTC replaces the suffix +00:00 of timestamps by Z.
func inUTC(v any) any {
	switch v := v.(type) {
	case string:
		if zoned.MatchString(v) {
			return strings.TrimSuffix(v, "+00:00") + "Z"
		}
	case []any:
		for i := range v {
			v[i] = inUTC(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = inUTC(v[k])
		}
	}
	return v
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	_, err := d.Token()
	require.ErrorIs(t, err, io.EOF)
	return v
}

// requireRows compares the archive's arrays with the rows in Postgres, and the manifest
// with both.
func requireRows(t *testing.T, account string, a archive) {
	t.Helper()
	require.Len(t, a.Data, len(schema.Categories))
	db := shared.Stack(t).DB
	for _, c := range schema.Categories {
		n := requireCategory(t, db, account, c, a.Data[string(c)])
		var rows int
		require.NoError(t, db.QueryRowContext(t.Context(), countQuery(t, db, c), account).Scan(&rows))
		require.Equal(t, rows, n, "%s: all rows, counted without the catalog", c)
		require.Equal(t, n, a.Manifest[string(c)].Records, "%s in the manifest", c)
		require.Equal(t, sum(a.Data[string(c)]), a.Manifest[string(c)].SHA256, "%s in the manifest", c)
		require.False(t, a.Manifest[string(c)].ReadAt.IsZero())
	}
}

// countQuery returns a query that counts the rows of a category without the query of
// the catalog: those of the table named like it. A category without such a table is
// counted by the catalog.
func countQuery(t *testing.T, db *sql.DB, c schema.Category) string {
	t.Helper()
	switch c {
	case "account":
		return "select count(*) from platform.accounts where sid = $1"
	case "calls":
		return `select (select count(*) from platform.calls where account_sid = $1 and pii_scrubbed_at is null)
			+ (select count(*) from platform.calls_archive where account_sid = $1 and pii_scrubbed_at is null)`
	}
	table := "platform." + upper.ReplaceAllStringFunc(string(c), func(letter string) string { return "_" + strings.ToLower(letter) })
	var exists bool
	require.NoError(t, db.QueryRowContext(t.Context(), "select to_regclass($1) is not null", table).Scan(&exists))
	if !exists {
		queries, err := catalog.Embedded()
		require.NoError(t, err)
		return "select count(*) from (\n" + queries.Query(c) + "\n) q"
	}
	return "select count(*) from " + table + " where account_sid = $1"
}

var upper = regexp.MustCompile(`[A-Z]`)

// requireCategory compares record by record: first the text, with the notation of
// UTC replaced, and if that differs the decoded values.
func requireCategory(t *testing.T, db *sql.DB, account string, c schema.Category, section []byte) (n int) {
	t.Helper()
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	var columns []string
	for _, column := range queries.Columns(c) {
		columns = append(columns, pq.QuoteIdentifier(column.Name))
	}
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "set timezone to 'UTC'")
	require.NoError(t, err)
	rows, err := conn.QueryContext(t.Context(), "select row_to_json(r)::text from (select "+strings.Join(columns, ", ")+
		" from (\n"+queries.Query(c)+"\n) q order by _key) r", account)
	require.NoError(t, err)
	defer rows.Close()

	rest, ok := bytes.CutPrefix(section, []byte("["))
	require.True(t, ok)
	for ; rows.Next(); n++ {
		var want []byte
		require.NoError(t, rows.Scan(&want))
		if n > 0 {
			rest, ok = bytes.CutPrefix(rest, []byte(",\n"))
			require.True(t, ok, "%s: the archive has only %d records", c, n)
		}
		want = bytes.ReplaceAll(want, []byte(`+00:00"`), []byte(`Z"`))
		if tail, same := bytes.CutPrefix(rest, want); same {
			rest = tail
			continue
		}
		record := json.NewDecoder(bytes.NewReader(rest))
		record.UseNumber()
		var got any
		require.NoError(t, record.Decode(&got))
		require.Equal(t, inUTC(decode(t, want)), got, "%s, record %d", c, n)
		rest = rest[record.InputOffset():]
	}
	require.NoError(t, rows.Err())
	require.Equal(t, "]", string(rest), "%s: the archive has more than the %d rows", c, n)
	return n
}
