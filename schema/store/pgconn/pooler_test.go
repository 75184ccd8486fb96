package pgconn_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store/pgconn"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func config(setting, url string) pgconn.Config {
	return pgconn.Config{Setting: setting, URL: url, MaxConns: 4, Dial: (&net.Dialer{}).DialContext}
}

func TestAPoolerThatSharesConnectionsIsRefused(t *testing.T) {
	at := testservices.EmptyDatabase(t)
	for _, mode := range []string{"transaction", "statement"} {
		pooled := testservices.Pooler(t, at, mode)
		for _, busy := range []int{0, 1, 2, 3, 5, 8} { // so many idle connections to the server before
			t.Run(fmt.Sprint(mode, " with ", busy), func(t *testing.T) {
				occupy(t, pooled, busy)
				err := pgconn.NewSessionCheck(config("SOURCE_DATABASE_URL", pooled)).Check(t.Context())
				require.ErrorContains(t, err, "SOURCE_DATABASE_URL leads to a pooler in transaction mode")
				require.Empty(t, schema.KindOf(err), "it does not pass by itself")
			})
		}
	}
}

// occupy lets the pooler open so many connections to the server, by queries at once.
func occupy(t *testing.T, url string, n int) {
	t.Helper()
	c := config("X", url)
	c.MaxConns = max(1, n)
	pool, err := pgconn.Open(c)
	require.NoError(t, err)
	defer pool.Close()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { _, _ = pool.Exec("select pg_sleep(0.2)") })
	}
	all.Wait()
}

func TestSessionsOfTheirOwnAreAccepted(t *testing.T) {
	at := testservices.EmptyDatabase(t)
	for _, url := range []string{at, testservices.Pooler(t, at, "session")} {
		check := pgconn.NewSessionCheck(config("DATABASE_URL", url))
		require.NoError(t, check.Check(t.Context()))
		require.NoError(t, check.Check(t.Context()))
	}
}

func TestADatabaseThatIsDownIsNoPooler(t *testing.T) {
	err := pgconn.NewSessionCheck(config("DATABASE_URL", "postgres://satchel@127.0.0.1:1/x?sslmode=disable")).Check(t.Context())
	require.Equal(t, schema.Unavailable, schema.KindOf(err))
}

func TestSettingsOfTheServerDoNotChangeWhatASessionReads(t *testing.T) {
	at := testservices.EmptyDatabase(t)
	c := config("SOURCE_DATABASE_URL", at)
	pool, err := pgconn.Open(c)
	require.NoError(t, err)
	for _, setting := range []string{
		"lc_monetary = 'de_DE.UTF-8'", "TimeZone = 'Asia/Kathmandu'", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'", "bytea_output = 'escape'",
		"xmlbinary = 'hex'", "extra_float_digits = 0", "row_security = on",
	} {
		_, err := pool.Exec(`do $$ begin execute format('alter database %I set ` + doubled.Replace(setting) + `', current_database()); exception when invalid_parameter_value then null; end $$`)
		require.NoError(t, err, setting)
	}
	require.NoError(t, pool.Close())

	pool, err = pgconn.Open(c)
	require.NoError(t, err)
	defer pool.Close()
	var got []string
	require.NoError(t, pool.Select(&got, `select unnest(array[1234.5::numeric::money::text, timestamptz '2026-02-28 12:00+00'::text, interval '1 day 2 hours'::text,
		'\xff'::bytea::text, (1/3::float8)::text, current_setting('row_security'), xmlelement(name x, '\xff'::bytea)::text])`))
	require.Equal(t, []string{"$1,234.50", "2026-02-28 12:00:00+00", "1 day 02:00:00", `\xff`, "0.3333333333333333", "off", "<x>/w==</x>"}, got)
}

// doubled doubles quotes, for a text within a string of SQL.
var doubled = strings.NewReplacer("'", "''")
