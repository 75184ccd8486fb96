package source

import (
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/days"
)

func TestADayOfALargeAccountReadsItsOwnRowsAlongTheIndex(t *testing.T) {
	t.Parallel()
	url := testservices.Database(t)
	a, err := demo.NewAccount(t.Context(), url, demo.With{})
	require.NoError(t, err)
	db, err := Open(t.Context(), url, 2)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // read-only
	pool, err := sqlx.Open("postgres", url)
	require.NoError(t, err)
	defer pool.Close() //nolint:errcheck // read-only
	embedded, err := catalog.Embedded()
	require.NoError(t, err)
	from := schema.DayOf(time.Now())
	for _, typ := range schema.ResourceTypes {
		require.NoError(t, demo.FillDays(t.Context(), url, a.AccountSID, typ, from.Plus(-30), from, 500))
		require.NoError(t, demo.FillDays(t.Context(), url, a.AccountSID, typ, "2024-01-01", "2024-01-31", 500))
		p, err := db.plan(t.Context(), embedded.Day(typ), days.Params(typ))
		require.NoError(t, err)
		for _, on := range []schema.Day{from.Plus(-9), "2024-01-02"} {
			args := []any{a.AccountSID, on.Begins(), on.Plus(1).Begins(), "{}"}[:days.Params(typ)]
			index := strings.ToLower(string(typ)) + "_by_day"
			lines := explain(t, pool, "on", p.selectRows("", DefaultLimits.RecordBytes), args...)
			plan := strings.Join(lines, "\n")
			require.Regexp(t, `Index Scan (using|on) `+index, plan)
			require.NotContains(t, plan, "Seq Scan", plan)
			require.NotContains(t, plan, "Rows Removed", "only the day's rows are read")
			require.Regexp(t, `Index Cond: .*date_created >= .*date_created < `, plan)
			require.Contains(t, lines[0], "(actual rows=500 ", plan)

			// Without bitmap scans Postgres follows the index and sorts nothing.
			plan = strings.Join(explain(t, pool, "off", p.selectRows("", DefaultLimits.RecordBytes), args...), "\n")
			require.Contains(t, plan, "Index Scan using "+index, plan)
			require.NotRegexp(t, `(?m)^[ >-]*(Incremental )?Sort  \(`, plan)
			if typ == schema.Calls {
				require.Contains(t, plan, "Index Scan using calls_archive_by_day", plan)
			}
		}
	}
}

// explain returns EXPLAIN ANALYZE of a query, with bitmap scans on or off.
func explain(t *testing.T, pool *sqlx.DB, bitmaps, query string, args ...any) (lines []string) {
	t.Helper()
	tx, err := pool.Beginx()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // reads only
	_, err = tx.Exec("set local enable_bitmapscan = " + bitmaps)
	require.NoError(t, err)
	require.NoError(t, tx.Select(&lines, "explain (analyze, timing off) "+query, args...))
	return lines
}
