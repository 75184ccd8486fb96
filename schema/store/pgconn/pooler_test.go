package pgconn_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store/pgconn"
	"satchel/schema/store/sqlstate"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func open(t *testing.T, url string) (*sqlx.DB, *pgconn.SessionCheck) {
	t.Helper()
	pool, sessions, err := pgconn.Open(pgconn.Config{Setting: "SOURCE_DATABASE_URL", URL: url, MaxConns: 4, Dial: (&net.Dialer{}).DialContext})
	require.NoError(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	return pool, sessions
}

// openRaw connects as other programs do.
func openRaw(t *testing.T, url string, conns int) *sql.DB {
	t.Helper()
	pool, err := sql.Open("postgres", url)
	require.NoError(t, err)
	pool.SetMaxIdleConns(conns)
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

const refusal = "SOURCE_DATABASE_URL leads to a pooler in transaction mode"

func TestAPoolerThatSharesConnectionsIsRefused(t *testing.T) {
	t.Parallel()
	at := testservices.EmptyDatabase(t)
	for _, mode := range []string{"transaction", "statement"} {
		for _, settings := range []string{"", "server_round_robin = 1\n", "default_pool_size = 1\n"} {
			pooled := testservices.Pooler(t, at, mode, settings)
			for _, idle := range []int{0, 1, 2, 3, 5, 8} { // connections of the pooler to the server
				t.Run(fmt.Sprint(mode, " ", settings, idle), func(t *testing.T) {
					others := openRaw(t, pooled, max(1, idle))
					together(idle, func() { _, _ = others.Exec("select pg_sleep(0.2)") })
					_, sessions := open(t, pooled)
					err := sessions.Check(t.Context())
					require.ErrorContains(t, err, refusal)
					require.Empty(t, schema.KindOf(err), "it does not pass by itself")
				})
			}
		}
	}
}

func TestAPoolerThatSharesConnectionsIsRefusedWhileOthersUseIt(t *testing.T) {
	t.Parallel()
	pooled := testservices.Pooler(t, testservices.EmptyDatabase(t), "transaction", "")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	others := openRaw(t, pooled, 8)
	var busy sync.WaitGroup
	defer busy.Wait()
	defer stop()
	for range 8 {
		busy.Go(func() {
			for ctx.Err() == nil {
				_, _ = others.ExecContext(ctx, "select pg_sleep(0.001)")
			}
		})
	}
	for range 30 {
		_, sessions := open(t, pooled)
		require.ErrorContains(t, sessions.Check(t.Context()), refusal)
	}
}

func TestNoQueryRunsThroughAPoolerThatSharesConnections(t *testing.T) {
	t.Parallel()
	at := testservices.EmptyDatabase(t)
	pooled := testservices.Pooler(t, at, "transaction", "")
	pool, _ := open(t, pooled)
	_, err := pool.Exec("create table made ()")
	require.Error(t, err)
	err = sqlstate.Wrap("make a table", err)
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "it is tried again: an operator may change the mode")
	require.ErrorContains(t, err, refusal)

	var made bool
	require.NoError(t, openRaw(t, at, 1).QueryRow("select to_regclass('made') is not null").Scan(&made))
	require.False(t, made)
	var pinned int
	require.NoError(t, openRaw(t, pooled, 1).QueryRow("select count(*) from pg_settings where source = 'session' and name in ('row_security', 'lc_monetary', 'xmlbinary')").Scan(&pinned))
	require.Zero(t, pinned, "other clients of the pooler keep their settings")
}

func together(n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(do)
	}
	all.Wait()
}

func TestSessionsOfTheirOwnAreAccepted(t *testing.T) {
	t.Parallel()
	at := testservices.EmptyDatabase(t)
	for _, url := range []string{at, testservices.Pooler(t, at, "session", "")} {
		pool, sessions := open(t, url)
		require.NoError(t, sessions.Check(t.Context()))
		require.NoError(t, sessions.Check(t.Context()))
		var rowSecurity string
		require.NoError(t, pool.Get(&rowSecurity, "select current_setting('row_security')"))
		require.Equal(t, "off", rowSecurity)
	}
}

func TestADatabaseThatIsDownIsNoPooler(t *testing.T) {
	t.Parallel()
	pool, sessions := open(t, "postgres://satchel@127.0.0.1:1/x?sslmode=disable")
	require.Equal(t, schema.Unavailable, schema.KindOf(sessions.Check(t.Context())))
	err := sqlstate.Wrap("ping", pool.Ping())
	require.Equal(t, schema.Unavailable, schema.KindOf(err))
	require.NotContains(t, err.Error(), "pooler")
}

func TestSettingsOfTheServerChangeNoValue(t *testing.T) {
	t.Parallel()
	at := testservices.EmptyDatabase(t)
	admin := openRaw(t, at, 1)
	for setting, value := range map[string]string{
		"lc_monetary": "C.utf8", "lc_numeric": "C.utf8", "lc_time": "C.utf8", // de_DE is not on every machine
		"TimeZone": "Asia/Kathmandu", "DateStyle": "German", "IntervalStyle": "iso_8601", "bytea_output": "escape", "xmlbinary": "hex", "xmloption": "document",
		"extra_float_digits": "0", "row_security": "on", "standard_conforming_strings": "off", "quote_all_identifiers": "on", "transform_null_equals": "on",
	} {
		_, err := admin.Exec(fmt.Sprintf(`do $$ begin execute format('alter database %%I set %s = %%L', current_database(), '%s'); end $$`, setting, value))
		require.NoError(t, err, setting)
	}
	pool, _ := open(t, at)
	var got []string
	require.NoError(t, pool.Select(&got, `select unnest(array[1234.5::numeric::money::text, timestamptz '2026-02-28 12:00+00'::text, interval '1 day 2 hours'::text,
		'\xff'::bytea::text, (1/3::float8)::text, xmlelement(name x, '\xff'::bytea)::text, 'pg_class'::regclass::text, coalesce(('' = null)::text, 'null'),
		current_setting('lc_monetary'), current_setting('lc_numeric'), current_setting('lc_time'), current_setting('row_security'), current_setting('xmloption')])`))
	require.Equal(t, []string{"$1,234.50", "2026-02-28 12:00:00+00", "1 day 02:00:00", `\xff`, "0.3333333333333333", "<x>/w==</x>", "pg_class", "null",
		"C", "C", "C", "off", "content"}, got)
}
