package source

import (
	"database/sql"
	"database/sql/driver"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"satchel/dev/services"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
)

var rows = flag.Int("rows", 100_000, "calls that BenchmarkRead reads")

// manyCalls makes an account with n calls, among half as many of other accounts,
// and returns it with the catalog's query of calls.
func manyCalls(t testing.TB, n int) (db *DB, pool *sql.DB, url, query, account string) {
	t.Helper()
	url, account = testservices.Database(t), schema.NewAccountID()
	connector, err := pq.NewConnector(url)
	require.NoError(t, err)
	pool = sql.OpenDB(connector)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	_, err = pool.Exec(`
		insert into platform.calls (sid, account_sid, phone_number_sid, flow_sid, campaign_sid, from_number, to_number, caller_name, direction, status, answered_by,
			date_created, date_updated, start_time, end_time, duration, price, price_unit, quality_score, tags, metadata, sip_headers)
		select 'CA' || md5(i::text), case when i % 3 = 0 then 'AC' || md5(i::text) else $1 end, 'PN' || md5((i % 50)::text), 'FW' || md5((i % 20)::text),
			case when i % 3 = 1 then 'CN' || md5((i % 9)::text) end, '+1' || 2000000000 + i, '+44' || 7000000000 + i, case when i % 4 = 1 then 'Zoë "Ace" Müller' else 'Caller ' || i end,
			'outbound-api', 'completed', case when i % 2 = 0 then 'human' end, at, at + interval '1 s', at + interval '9.25 s', at + interval '300.123456 s', i % 3600, -(i % 1000)::numeric / 1000, 'USD',
			i % 50 / 10.0, array['tag' || i % 10, 'vip'],
			jsonb_build_object('order', i, 'lang', 'en', 'note', E'Customer said: "hello"\nand then some more words that make a line long enough to look real'),
			json_build_object('X-Call-ID', md5(i::text) || '@10.0.0.1', 'User-Agent', 'Asterisk PBX 18.9', 'Contact', '<sip:' || i || '@10.0.0.1:5060>',
				'Via', 'SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK' || i, 'P-Asserted-Identity', '<sip:+1' || 2000000000 + i || '@carrier.example>')
		from (select i, timestamptz '2026-01-01' + i * interval '17.123457 s' as at from generate_series(1, $2::int) i) t`, account, n*3/2)
	require.NoError(t, err)
	_, err = pool.Exec(`vacuum analyze platform.calls`)
	require.NoError(t, err)
	db, err = Open(t.Context(), url, 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	embedded, err := catalog.Embedded()
	require.NoError(t, err)
	return db, pool, url, embedded.Query("calls"), account
}

func TestALargeAccountIsReadAlongItsIndexWithoutASort(t *testing.T) {
	t.Parallel()
	db, pool, _, query, account := manyCalls(t, 20_000)
	p, err := db.plan(t.Context(), query, 1)
	require.NoError(t, err)
	for after, args := range map[string][]any{"": {account}, "15000": {account, "15000"}} {
		explained, err := pool.Query("explain "+p.selectRows(after, DefaultLimits.RecordBytes), args...)
		require.NoError(t, err)
		var lines []string
		for explained.Next() {
			var line string
			require.NoError(t, explained.Scan(&line))
			lines = append(lines, line)
		}
		require.NoError(t, explained.Err())
		plan := strings.Join(lines, "\n")
		require.Contains(t, plan, "Index Scan using calls_", plan)
		require.NotContains(t, plan, "calls_by_day", plan)
		require.NotRegexp(t, `(?m)^[ >-]*(Incremental )?Sort  \(`, plan)
	}
}

// BenchmarkRead reads calls from a real Postgres with Read, and side by side in
// the ways that were rejected. -rows=800000 gives the numbers in the comment of queryPlan.
func BenchmarkRead(b *testing.B) {
	db, pool, url, query, account := manyCalls(b, *rows)
	p, err := db.plan(b.Context(), query, 1)
	require.NoError(b, err)
	names := []string{"_key"}
	for _, c := range p.columns {
		names = append(names, c.Name)
	}
	bin, err := services.PostgresBin("")
	require.NoError(b, err)
	compare := func(name string, read func(b *testing.B) (bytes int64)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.SetBytes(read(b))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(*rows), "ns/row")
		})
	}

	compare("ours", func(b *testing.B) (n int64) {
		buf := make([]byte, 0, 1<<20)
		require.NoError(b, db.Read(b.Context(), query, account, "", func(s *Snapshot) (err error) {
			for err == nil {
				buf, err = s.AppendRow(buf[:0])
				n += int64(len(buf))
			}
			if err != io.EOF {
				return err
			}
			return nil
		}))
		return n
	})
	compare("psql COPY row_to_json", func(b *testing.B) int64 {
		literal := strings.ReplaceAll(query, "$1", "'"+account+"'")
		psql := exec.Command(filepath.Join(bin, "psql"), url, "-c", "copy (select row_to_json(r) from (select "+list(names[1:], "")+" from "+subquery(literal)+" order by q._key) r) to stdout")
		out, err := psql.StdoutPipe()
		require.NoError(b, err)
		require.NoError(b, psql.Start())
		n, err := io.Copy(io.Discard, out)
		require.NoError(b, err)
		require.NoError(b, psql.Wait())
		return n
	})
	compare("lib pq row_to_json", func(b *testing.B) int64 {
		return stream(b, pool, "select row_to_json(r) from (select "+list(names[1:], "")+" from "+subquery(query)+" order by q._key) r", account)
	})
	compare("lib pq columns as text, no JSON", func(b *testing.B) int64 {
		return stream(b, pool, "select "+list(names, "::text")+" from "+subquery(query)+" order by q._key", account)
	})
	compare("ours through a cursor, no JSON", func(b *testing.B) (n int64) {
		tx, err := pool.Begin()
		require.NoError(b, err)
		defer tx.Rollback() //nolint:errcheck // reads only
		_, err = tx.Exec("set local cursor_tuple_fraction = 1")
		require.NoError(b, err)
		_, err = tx.Exec("declare c no scroll cursor for "+p.selectRows("", DefaultLimits.RecordBytes), account)
		require.NoError(b, err)
		fetch, err := tx.Prepare("fetch 5000 from c")
		require.NoError(b, err)
		for {
			before := n
			page, err := fetch.Query()
			require.NoError(b, err)
			for page.Next() {
				var row sql.RawBytes
				require.NoError(b, page.Scan(&row))
				n += int64(len(row))
			}
			require.NoError(b, page.Err())
			if n == before {
				return n
			}
		}
	})
}

func list(names []string, cast string) string {
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = column(name) + cast
	}
	return strings.Join(columns, ", ")
}

// stream reads all rows of a query with the driver alone.
func stream(b *testing.B, pool *sql.DB, query, account string) (n int64) {
	b.Helper()
	conn, err := pool.Conn(b.Context())
	require.NoError(b, err)
	defer conn.Close() //nolint:errcheck // returns it to the pool
	require.NoError(b, conn.Raw(func(c any) error {
		rows, err := c.(driver.QueryerContext).QueryContext(b.Context(), query, []driver.NamedValue{{Ordinal: 1, Value: account}})
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to the end
		row := make([]driver.Value, len(rows.Columns()))
		for err = rows.Next(row); err == nil; err = rows.Next(row) {
			for _, v := range row {
				switch v := v.(type) {
				case []byte:
					n += int64(len(v))
				case string:
					n += int64(len(v))
				case nil:
				default:
					return fmt.Errorf("unexpected %T", v)
				}
			}
		}
		if err != io.EOF {
			return err
		}
		return nil
	}))
	return n
}
