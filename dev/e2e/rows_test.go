package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"

	_ "github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/catalog"
)

func database(t *testing.T) *sql.DB {
	db, err := sql.Open("postgres", open(t).Demo.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var zoned = regexp.MustCompile(`^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$`)

// inUTC lets Postgres' way of writing a time in UTC mean the same as ours.
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

// requireRows holds the archive's twelve arrays against what Postgres itself
// says of the rows, and the manifest against both.
func requireRows(t *testing.T, account string, a archive) {
	t.Helper()
	queries, err := catalog.Embedded()
	require.NoError(t, err)
	db := database(t)
	require.Len(t, a.Data, len(schema.Categories))
	for _, c := range schema.Categories {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "set timezone to 'UTC'")
		require.NoError(t, err)
		rows, err := conn.QueryContext(t.Context(), "select row_to_json(r)::text from (\n"+queries.Query(c)+"\n) r order by _key", account)
		require.NoError(t, err)
		section := json.NewDecoder(bytes.NewReader(a.Data[string(c)]))
		section.UseNumber()
		_, err = section.Token()
		require.NoError(t, err)
		n := 0
		for ; rows.Next(); n++ {
			var text string
			require.NoError(t, rows.Scan(&text))
			want := decode(t, []byte(text)).(map[string]any)
			delete(want, "_key")
			require.True(t, section.More(), "%s: the archive has only %d records", c, n)
			var got any
			require.NoError(t, section.Decode(&got))
			require.Equal(t, inUTC(want), got, "%s, record %d", c, n)
		}
		require.NoError(t, rows.Err())
		require.False(t, section.More(), "%s: the archive has more than the %d rows", c, n)
		require.NoError(t, conn.Close())
		require.Equal(t, n, a.Manifest[string(c)].Records, "%s in the manifest", c)
		require.Equal(t, sum(a.Data[string(c)]), a.Manifest[string(c)].SHA256, "%s in the manifest", c)
		require.False(t, a.Manifest[string(c)].ReadAt.IsZero())
	}
}
