package source_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store/source"
	"satchel/schema/store/sqlstate"
)

// wide is a table with rows of about a kilobyte for two accounts.
const (
	wide = `create table wide (id bigint generated always as identity primary key, account text not null, v text);
		create index on wide (account, id);
		insert into wide (account, v) select case when g % 10 = 0 then 'AC2' else 'AC1' end, g || repeat('x', 1000) from generate_series(1, 40000) g;
		analyze wide;
		create function stall(now boolean) returns integer language plpgsql stable as $$ begin if now then perform pg_sleep(600); end if; return 1; end $$`
	ofWide = `select id as _key, v from wide where account = $1`
	// The first rows of it, and then none for ten minutes.
	stuckWide = `select id as _key, v, stall(id > 1000) from wide where account = $1`
)

func TestReadResumesAfterTheKey(t *testing.T) {
	t.Parallel()
	db, _ := open(t, wide, `create table words (word text primary key); insert into words values ('Zebra'), ('apple'), ('Äther'), ('it''s'), ('b"c')`,
		`create table codes (code char(4) primary key); insert into codes values ('a'), ('ab'), ('abc'), ('b')`)
	for _, query := range []string{
		`select id as _key, id as n, account from wide where account = $1 and id < 200`,
		`select word as _key, word from words where $1 <> ''`,
		`select code as _key, code from codes where $1 <> ''`,
		`select id * 1.5 as _key, id from wide where account = $1 and id < 100`,
		`select timestamptz '2026-01-01 12:00:00.000001+02' + id * interval '1.000001 s' as _key, id from wide where account = $1 and id < 100`,
		`select ('00000000-0000-4000-8000-' || lpad(id::text, 12, '0'))::uuid as _key, id from wide where account = $1 and id < 100`,
	} {
		all, keys := read(t, db, query, "AC2", "")
		require.NotEmpty(t, all)
		for i, key := range keys {
			rest, _ := read(t, db, query, "AC2", key)
			require.Equal(t, append([]string(nil), all[i+1:]...), rest, "after %s in %s", key, query)
		}
	}
}

func TestAnAccountWithoutRowsReadsNone(t *testing.T) {
	t.Parallel()
	db, _ := open(t, wide)
	records, _ := read(t, db, ofWide, "AC3", "")
	require.Empty(t, records)
	require.NoError(t, db.Read(t.Context(), ofWide, "AC3", "", func(s *source.Snapshot) error {
		n, err := s.Expected()
		require.NoError(t, err)
		require.Zero(t, n)
		for range 2 {
			_, err = s.AppendRow(nil)
			require.Equal(t, io.EOF, err)
		}
		return nil
	}))
}

func TestRowsComeFromOneSnapshot(t *testing.T) {
	t.Parallel()
	db, writer := open(t, wide)
	before := clock(t, writer)
	require.NoError(t, db.Read(t.Context(), ofWide, "AC1", "", func(s *source.Snapshot) error {
		require.False(t, s.ReadAt.Before(before))
		require.False(t, s.ReadAt.After(clock(t, writer)))
		require.Equal(t, time.UTC, s.ReadAt.Location())
		_, err := writer.Exec(`delete from wide where id % 2 = 0; insert into wide (account, v) values ('AC1', 'late')`)
		require.NoError(t, err)
		n, err := s.Expected()
		require.NoError(t, err)
		require.EqualValues(t, 36000, n)
		for ; n > 0; n-- {
			_, err := s.AppendRow(nil)
			require.NoError(t, err)
		}
		_, err = s.AppendRow(nil)
		require.Equal(t, io.EOF, err)
		return nil
	}))
}

func TestRowsAreAppendedToTheBuffer(t *testing.T) {
	t.Parallel()
	db, _ := open(t, wide)
	require.NoError(t, db.Read(t.Context(), `select id as _key, id from wide where account = $1`, "AC2", "", func(s *source.Snapshot) error {
		text, err := s.AppendRow([]byte("["))
		require.NoError(t, err)
		text, err = s.AppendRow(append(text, ",\n"...))
		require.NoError(t, err)
		require.Equal(t, "[{\"id\":10},\n{\"id\":20}", string(text))
		require.Equal(t, "20", s.Key())
		return nil
	}))
}

func TestExpectedCountsFewRowsAndEstimatesMany(t *testing.T) {
	t.Parallel()
	db, _ := open(t, wide, `create table many (id int primary key); insert into many select generate_series(1, 200000); analyze many`,
		`create table unseen (id int primary key) with (autovacuum_enabled = false); insert into unseen select generate_series(1, 60000)`)
	expect := func(query, account string) (n int64) {
		require.NoError(t, db.Read(t.Context(), query, account, "", func(s *source.Snapshot) (err error) {
			n, err = s.Expected()
			return err
		}))
		return n
	}
	require.EqualValues(t, 4000, expect(ofWide, "AC2"))
	require.InDelta(t, 200_000, expect(`select id as _key, id from many where $1 <> ''`, "AC"), 20_000)
	require.Greater(t, expect(`select id as _key, id from unseen where $1 <> ''`, "AC"), int64(50_000), "neither counted to the end nor reported as few")
	require.Greater(t, expect(`select n as _key, n from generate_series(1, (select 60000)) n where $1 <> ''`, "AC"), int64(50_000), "Postgres estimates 1,000 rows")
}

func TestServerSettingsNeitherEndAReadNorChangeIt(t *testing.T) {
	t.Parallel()
	settings := []string{"statement_timeout = '1h'", "idle_in_transaction_session_timeout = '1h'", "timezone = 'Asia/Kathmandu'", "datestyle = 'German'",
		"intervalstyle = 'iso_8601'", "extra_float_digits = -10", "bytea_output = 'escape'", "default_transaction_read_only = on", "default_transaction_isolation = 'read uncommitted'"}
	for i, setting := range settings {
		settings[i] = `do $$ begin execute format('alter role %I in database %I set ` + strings.ReplaceAll(setting, "'", "''") + `', current_user, current_database()); end $$`
	}
	db, writer := open(t, append(settings, `create type stay as (since timestamptz, place text)`)...)
	var limit string
	require.NoError(t, db.Read(t.Context(), `select 1 as _key, 1 as v where $1 <> ''`, "AC", "", func(*source.Snapshot) error { return nil }))
	require.NoError(t, writer.QueryRow(`select setconfig[1] from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where d.datname = current_database()`).Scan(&limit))
	require.Equal(t, "statement_timeout=1h", limit)

	records, _ := read(t, db, `select 1 as _key, current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle,
		(current_setting('client_connection_check_interval', true) = '5s') = (version() like '%linux%') as check, current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as read_only,
		0.1::float8 + 0.2 as f, timestamptz '2026-01-01 20:00+00' as at, row(timestamptz '2026-01-01 20:00+00', 'x')::stay as stay,
		tstzrange('2026-01-01 20:00+00', null) as open, (timestamptz '2026-01-01 20:00+00')::text as text, (timestamptz '2026-01-01 20:00+00')::date as day, extract(hour from timestamptz '2026-01-01 20:00+00') as hour,
	 date '2026-02-28' as d, interval '1 day' as i, '\x00'::bytea as b where $1 <> ''`, "AC", "")
	require.Equal(t, []string{`{"statement":"0","idle":"0","check":true,"isolation":"repeatable read","read_only":"on",` +
		`"f":0.30000000000000004,"at":"2026-01-01T20:00:00Z","stay":{"since":"2026-01-01T20:00:00Z","place":"x"},` +
		`"open":"[\"2026-01-01 20:00:00+00\",)","text":"2026-01-01 20:00:00+00","day":"2026-01-01","hour":20,"d":"2026-02-28","i":"1 day","b":"\\x00"}`}, records)
}

func TestStoppingEarlyEndsTheQueryAndKeepsThePool(t *testing.T) {
	t.Parallel()
	db, writer := open(t, wide)
	enough := errors.New("enough")
	for range 10 { // more often than there are connections
		err := db.Read(t.Context(), stuckWide, "AC1", "", func(s *source.Snapshot) error {
			_, err := s.AppendRow(nil)
			require.NoError(t, err)
			return enough
		})
		require.Equal(t, enough, err)
	}
	eventually(t, "no query is left", func() bool { return active(t, writer) == 0 })
	require.NoError(t, db.Ping(t.Context()))
}

func TestCancellingEndsTheQueryOnTheServer(t *testing.T) {
	t.Parallel()
	db, writer := open(t, wide)
	for name, query := range map[string]string{
		"while rows stream":      ofWide,
		"before a row has come":  `select 1 as _key, stall(true) where $1 <> ''`,
		"while rows are awaited": stuckWide,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				eventually(t, "the query runs", func() bool { return active(t, writer) > 0 })
				cancel()
			}()
			err := db.Read(ctx, query, "AC1", "", func(s *source.Snapshot) error {
				for {
					if _, err := s.AppendRow(nil); err != nil {
						return err
					}
					if query == ofWide { // otherwise all rows are read before the cancellation
						<-ctx.Done()
					}
				}
			})
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, schema.Kind(""), schema.KindOf(err))
			eventually(t, "no query is left", func() bool { return active(t, writer) == 0 })
		})
	}
	records, _ := read(t, db, `select 1 as _key, 1 as one where $1 <> ''`, "AC", "")
	require.Len(t, records, 1)
}

func TestAReadAfterARestartOfTheServerSucceeds(t *testing.T) {
	t.Parallel()
	db, writer := open(t, wide)
	var begun sync.WaitGroup
	ended := make(chan error, 4)
	for range cap(ended) { // at once, so that the pool is full
		begun.Add(1)
		go func() {
			ended <- db.Read(t.Context(), ofWide, "AC2", "", func(*source.Snapshot) error {
				begun.Done()
				begun.Wait()
				return nil
			})
		}()
	}
	for range cap(ended) {
		require.NoError(t, <-ended)
	}
	terminate(t, writer)
	records, _ := read(t, db, ofWide, "AC2", "")
	require.Len(t, records, 4000)
}

func TestALostConnectionIsUnavailableAndNotTheEndOfRows(t *testing.T) {
	t.Parallel()
	db, writer := open(t, wide)
	err := db.Read(t.Context(), ofWide, "AC1", "", func(s *source.Snapshot) error {
		for n := 0; ; n++ {
			_, err := s.AppendRow(nil)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				_, again := s.AppendRow(nil)
				require.Equal(t, err, again)
				return err
			}
			if n == 10 {
				terminate(t, writer)
			}
		}
	})
	require.Equal(t, schema.Unavailable, schema.KindOf(err), "%v", err)
}

func TestKeysMustBeUniqueAndNotNull(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	for name, keys := range map[string]string{
		"null": `(1), (null)`, "repeated": `(1), (2), (2)`, "empty": `('')`,
	} {
		query := `select column1 as _key, 1 as v from (values ` + keys + `) t where $1 <> ''`
		err := db.Read(t.Context(), query, "AC", "", func(s *source.Snapshot) error {
			for {
				if _, err := s.AppendRow(nil); err != nil {
					if err == io.EOF {
						return nil
					}
					return err
				}
			}
		})
		require.ErrorContains(t, err, "_key is null, empty or repeated", name)
	}
}

// A later attempt resumes after the last key of the ledger. Without the check it
// would skip rows with a null key, and further rows with that key.
func TestKeysMustBeUniqueAndNotNullWhenResuming(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	for name, keys := range map[string]string{
		"null": `(1), (2), (null)`, "repeated": `(1), (2), (2), (3)`, "repeated at the end": `(1), (2), (2)`,
	} {
		query := `select column1 as _key, 1 as v from (values ` + keys + `) t where $1 <> ''`
		err := db.Read(t.Context(), query, "AC", "2", func(s *source.Snapshot) error {
			_, err := s.AppendRow(nil)
			_, again := s.AppendRow(nil)
			require.Equal(t, err, again)
			return err
		})
		require.ErrorContains(t, err, "_key is null, empty or repeated", name)
	}
}

func TestHasLooksInTheSameSnapshot(t *testing.T) {
	t.Parallel()
	db, writer := open(t, `create table accounts (id uuid primary key)`, `insert into accounts values ('00000000-0000-4000-8000-000000000001')`)
	ofAccount := `select id from accounts where id = $1`
	has := func(account string, before func()) (is bool) {
		require.NoError(t, db.Read(t.Context(), `select 1 as _key, 1 as v where $1 <> ''`, "AC", "", func(s *source.Snapshot) (err error) {
			before()
			is, err = s.Has(ofAccount, account)
			return err
		}))
		return is
	}
	noChange := func() {}
	require.True(t, has("00000000-0000-4000-8000-000000000001", noChange))
	require.False(t, has("00000000-0000-4000-8000-000000000002", noChange))
	require.False(t, has("no such account", noChange))
	require.True(t, has("00000000-0000-4000-8000-000000000001", func() {
		_, err := writer.Exec(`delete from accounts`)
		require.NoError(t, err)
	}), "the snapshot is older than the deletion")
}

func TestATableAlteredAfterDescribeIsDescribedAgain(t *testing.T) {
	t.Parallel()
	db, writer := open(t, `create table t (id int primary key, a int)`, `insert into t values (1, 2)`)
	query := `select id as _key, a from t where $1 <> ''`
	records, _ := read(t, db, query, "AC", "")
	require.Equal(t, []string{`{"a":2}`}, records)
	_, err := writer.Exec(`alter table t alter a type real`) // as wide as an integer
	require.NoError(t, err)
	err = db.Read(t.Context(), query, "AC", "", func(s *source.Snapshot) error {
		text, err := s.AppendRow([]byte("before"))
		require.Equal(t, "before", string(text))
		return err
	})
	require.ErrorContains(t, err, "have changed")
	records, _ = read(t, db, query, "AC", "")
	require.Equal(t, []string{`{"a":2}`}, records)
}

func TestNoErrorHoldsAValue(t *testing.T) {
	t.Parallel()
	db, _ := open(t, `create table t (id int primary key, secret text)`, `insert into t values (1, 'canary')`)
	for query, code := range map[string]string{
		`select id as _key, secret::int as v from t where $1 <> ''`:          "22P02",
		`select id as _key, canary as v from t where $1 <> ''`:               "42703",
		`select id as _key, secret as v from canary where $1 <> ''`:          "42P01",
		`select id as _key, 1/(id-1) as v, secret from t where $1 <> ''`:     "22012",
		`select id as _key, secret as v from t where id = $1::int`:           "22P02",
		`delete from t where $1 <> '' returning id as _key, secret`:          "42601",
		`select id as _key, nextval(secret::regclass) from t where $1 <> ''`: "42P01",
	} {
		err := db.Read(t.Context(), query, "canary", "", func(s *source.Snapshot) error {
			_, err := s.AppendRow(nil)
			return err
		})
		require.True(t, sqlstate.Is(err, code), "%s: %v", query, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, fmt.Sprintf("%+v %#v", e, e), "canary")
		}
	}
}

func TestNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	db, writer := open(t, `create table t (id int primary key)`, `create function sneak() returns int language sql volatile as $$ insert into t values (1) returning id $$`)
	err := db.Read(t.Context(), `select 1 as _key, sneak() as v where $1 <> ''`, "AC", "", func(s *source.Snapshot) error {
		_, err := s.AppendRow(nil)
		return err
	})
	require.True(t, sqlstate.Is(err, "25006"), "%v", err)
	var n int
	require.NoError(t, writer.QueryRow(`select count(*) from t`).Scan(&n))
	require.Zero(t, n)
}

func TestAThousandColumns(t *testing.T) {
	t.Parallel()
	db, writer := open(t)
	columns := make([]string, 1000)
	for i := range columns {
		columns[i] = fmt.Sprintf(`%d as "c%d"`, i, i)
	}
	query := "select 1 as _key, " + strings.Join(columns, ", ") + " where $1 <> ''"
	got, _ := read(t, db, query, "AC", "")
	require.Equal(t, rowToJSON(t, writer, query), got)
}

func TestTextOfOtherEncodingsArrivesAsUTF8(t *testing.T) {
	t.Parallel()
	db, _ := openURL(t, encoded(t, "LATIN1"), `create table t (id int primary key, v text, j jsonb, a text[])`,
		`insert into t values (1, 'Zoë "é"', '{"é": "ü"}', array['ß'])`)
	got, _ := read(t, db, `select id as _key, v, j, a, v as "ñ" from t where $1 <> ''`, "AC", "")
	require.Equal(t, []string{`{"v":"Zoë \"é\"","j":{"é": "ü"},"a":["ß"],"ñ":"Zoë \"é\""}`}, got)
}

func clock(t testing.TB, db *sql.DB) (now time.Time) {
	t.Helper()
	require.NoError(t, db.QueryRow(`select clock_timestamp()`).Scan(&now))
	return now
}

// active counts the connections that are in a transaction or query.
func active(t testing.TB, db *sql.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRow(`select count(*) from pg_stat_activity
		where application_name = 'satchel' and datname = current_database() and state <> 'idle'`).Scan(&n))
	return n
}

// terminate ends all connections, as a restart of the server does.
func terminate(t testing.TB, db *sql.DB) {
	t.Helper()
	_, err := db.Exec(`select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'satchel' and datname = current_database()`)
	require.NoError(t, err)
}
