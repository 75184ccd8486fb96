package source_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
	"satchel/schema/store/sqlstate"
)

// reader is the platform's database, opened with a role that may read it.
type reader struct {
	*source.Platform
	db      *source.DB
	url     string
	writer  *sql.DB
	role    string
	account string
}

func openReader(t *testing.T) *reader {
	t.Helper()
	at := testservices.Database(t)
	account, err := demo.NewAccount(t.Context(), at, demo.With{Records: true, Seal: func(string, []byte) ([]byte, error) { return []byte("x"), nil }})
	require.NoError(t, err)
	_, writer := openURL(t, at)
	r := &reader{writer: writer, account: account.AccountSID, role: "reader_" + strings.ToLower(schema.NewExportID())}
	r.exec(t, `create role %[1]s login password 'secret'`)
	t.Cleanup(func() {
		r.exec(t, `drop owned by %[1]s`)
		r.exec(t, `drop role %[1]s`)
	})
	r.exec(t, `grant usage on schema platform to %[1]s`)
	r.exec(t, `grant select on all tables in schema platform to %[1]s`)
	r.exec(t, `grant delete on platform.calls_archive to %[1]s`)
	u, err := url.Parse(at)
	require.NoError(t, err)
	u.User = url.UserPassword(r.role, "secret")
	r.url = u.String()
	r.db, err = source.Open(t.Context(), r.url, 4)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.db.Close()) })
	r.Platform = source.NewPlatform(r.db, embedded(t))
	return r
}

func embedded(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Embedded()
	require.NoError(t, err)
	return c
}

func (r *reader) exec(t *testing.T, statement string) {
	t.Helper()
	if strings.Contains(statement, "%[1]s") {
		statement = fmt.Sprintf(statement, r.role)
	}
	_, err := r.writer.ExecContext(context.WithoutCancel(t.Context()), statement)
	require.NoError(t, err, statement)
}

func (r *reader) category(t *testing.T, c schema.Category) (records []string, err error) {
	t.Helper()
	return records, r.ReadCategory(t.Context(), c, r.account, "", func(_ time.Time, rows schema.RecordReader) error {
		return appendAll(rows, &records)
	})
}

func (r *reader) day(t *testing.T, day schema.Day) error {
	t.Helper()
	var records []string
	return r.ReadDay(t.Context(), schema.Calls, r.account, day, nil, func(rows schema.RecordReader) error { return appendAll(rows, &records) })
}

// unreadable requires that the error is final, and returns what it says to operators: the
// text for histories, and the one for the log.
func unreadable(t *testing.T, err error) (message, log string) {
	t.Helper()
	var known *schema.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, schema.Unreadable, known.Kind, "%v", err)
	return known.Message, err.Error()
}

func TestRowsHiddenByRowSecurityAreAnErrorAndNotAnEmptyAnswer(t *testing.T) {
	t.Parallel()
	r := openReader(t)
	all, err := r.category(t, "calls")
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, table := range []string{"calls", "accounts", "calls_archive", "users"} {
		r.exec(t, `alter table platform.`+table+` enable row level security`)
		r.exec(t, `create policy tenant on platform.`+table+` using (current_setting('app.tenant', true) = 'x')`)
	}
	hidden := "SQLSTATE 42501 (insufficient_privilege), table platform."

	_, err = r.category(t, "users")
	message, _ := unreadable(t, err)
	require.Equal(t, "The category users cannot be read: "+hidden+"users, row security hides rows", message)
	r.exec(t, `alter table platform.users disable row level security`)
	_, err = r.category(t, "users")
	message, _ = unreadable(t, err)
	require.Contains(t, message, hidden+"accounts", "whether there is such an account is not known")
	message, _ = unreadable(t, r.day(t, "2026-11-21"))
	require.Equal(t, "The Calls of 2026-11-21 cannot be read: "+hidden+"calls, row security hides rows", message)
	_, err = r.Account(t.Context(), r.account)
	require.ErrorContains(t, err, hidden+"accounts, row security hides rows")
	require.NotEqual(t, schema.NotFound, schema.KindOf(err))
	_, err = r.CallDay(t.Context(), r.account, schema.NewAccountID())
	require.ErrorContains(t, err, hidden+"calls")

	archive, err := source.OpenArchive(r.url, embedded(t).EraseCalls(), 2)
	require.NoError(t, err)
	defer archive.Close() //nolint:errcheck // nothing is lost
	require.ErrorContains(t, archive.EraseCalls(t.Context(), r.account, []string{"CA1"}), hidden+"calls_archive, row security hides rows")

	r.exec(t, `alter role %[1]s bypassrls`)
	again, err := r.category(t, "calls")
	require.NoError(t, err, "such a role sees all rows")
	require.Equal(t, all, again)
	require.NoError(t, archive.EraseCalls(t.Context(), r.account, []string{"CA1"}))
}

func TestAMissingPermissionNamesTheCategoryAndTheTable(t *testing.T) {
	t.Parallel()
	r := openReader(t)
	r.exec(t, `create schema other; create table other.permission ()`)
	r.exec(t, `revoke select on platform.calls, platform.calls_archive from %[1]s`)
	_, err := r.category(t, "calls")
	message, _ := unreadable(t, err)
	require.Equal(t, "The category calls cannot be read: SQLSTATE 42501 (insufficient_privilege), table platform.calls", message)
	_, err = r.CallDay(t.Context(), r.account, schema.NewAccountID())
	require.ErrorContains(t, err, "table platform.calls")
	r.exec(t, `create table other.calls ()`)
	_, err = r.category(t, "calls")
	message, _ = unreadable(t, err)
	require.Contains(t, message, ", table calls", "of which schema is not known")

	archive, err := source.OpenArchive(r.url, embedded(t).EraseCalls(), 2)
	require.NoError(t, err)
	defer archive.Close() //nolint:errcheck // nothing is lost
	require.ErrorContains(t, archive.EraseCalls(t.Context(), r.account, []string{"CA1"}), "SQLSTATE 42501 (insufficient_privilege), table platform.calls_archive")

	r.exec(t, `revoke usage on schema platform from %[1]s`)
	_, err = r.category(t, "flows")
	message, _ = unreadable(t, err)
	require.Contains(t, message, "schema platform")
}

func TestWhatNoAttemptCanReadIsFinalAndNamesCategoryStateAndKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ change, message, log string }{
		"a value that cannot be computed": {
			`alter table platform.flows rename to stored; create view platform.flows as
				select sid, account_sid, name, description, status, 1 / (2 - row_number() over (order by id)) as version, definition, fingerprint, created_by, published_at, created_at, updated_at, id from platform.stored`,
			"SQLSTATE 22012 (division_by_zero)", "",
		},
		"a missing table":  {`alter table platform.flows rename to gone`, "SQLSTATE 42P01 (undefined_table)", ""},
		"a missing column": {`alter table platform.flows rename version to v`, "SQLSTATE 42703 (undefined_column)", ""},
		"a key twice": {
			`alter table platform.flows rename to stored; create view platform.flows as select s.* from platform.stored s, generate_series(1, 2)`,
			"_key is null, empty or repeated", `key "`,
		},
		"a function that raises": {
			`alter table platform.flows rename to stored; create function broken() returns text language plpgsql stable as $$ begin raise exception 'canary'; end $$;
				create view platform.flows as select sid, account_sid, broken() as name, description, status, version, definition, fingerprint, created_by, published_at, created_at, updated_at, id from platform.stored`,
			"SQLSTATE P0001 (raise_exception)", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openReader(t)
			r.exec(t, c.change)
			r.exec(t, `grant select on all tables in schema platform to %[1]s`)
			_, err := r.category(t, "flows")
			message, log := unreadable(t, err)
			require.Equal(t, "The category flows cannot be read: "+c.message, message)
			require.Contains(t, log, c.log)
			require.NotContains(t, log, "canary")
		})
	}
}

func TestACharacterWithoutAUnicodeEquivalentIsFinalAndNamesTheKeyBefore(t *testing.T) {
	t.Parallel()
	at := encoded(t, "WIN1252")
	account := schema.NewAccountID()
	db, writer := openURL(t, at, `create schema p; create table p.contacts (id int primary key, name text)`,
		`insert into p.contacts values (1, 'Ada'), (2, chr(129)), (3, 'Max')`)
	require.NotNil(t, writer)
	var records []string
	err := db.Read(t.Context(), `select id as _key, name from p.contacts where $1 <> ''`, account, "", func(s *source.Snapshot) error { return appendAll(s, &records) })
	require.ErrorContains(t, err, `after key "1": read source: SQLSTATE 22P05 (untranslatable_character)`)
	answer, ok := errors.AsType[*sqlstate.Error](err)
	require.True(t, ok)
	require.True(t, answer.IsFinal())
	require.Len(t, records, 1)
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := openReader(t)
	r.exec(t, `alter role %[1]s set lock_timeout = '1ms'`)
	db, err := source.Open(t.Context(), r.url, 4)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // nothing is lost
	r.Platform = source.NewPlatform(db, embedded(t))
	tx, err := r.writer.Begin()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	_, err = tx.Exec(`lock table platform.flows`)
	require.NoError(t, err)
	_, err = r.category(t, "flows")
	require.ErrorContains(t, err, "55P03")
	require.NotEqual(t, schema.Unreadable, schema.KindOf(err))
}

// It is not parallel, since it looks at the memory of the process.
func TestARecordThatIsTooLargeIsNamedAndNeverHeld(t *testing.T) {
	const limit, size = 1 << 20, 48 << 20
	db, writer := open(t, `create table large (id int primary key, v text)`)
	_, err := writer.Exec(`insert into large select n, repeat('x', case when n = 3 then $1::int else 1000 end) from generate_series(1, 5) n`, size)
	require.NoError(t, err)
	query := `select id as _key, v from large where $1 <> ''`
	db.SetLimits(source.Limits{RecordBytes: limit, Stall: time.Minute})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var records []string
	err = db.Read(t.Context(), query, "AC", "", func(s *source.Snapshot) error { return appendAll(s, &records) })
	runtime.ReadMemStats(&after)
	require.ErrorContains(t, err, `key "3" after "2": a record is larger than MAX_RECORD_BYTES allows`)
	require.Len(t, records, 2)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2), "it never came here")

	db.SetLimits(source.Limits{RecordBytes: 2 * size, Stall: time.Minute})
	records = nil
	require.NoError(t, db.Read(t.Context(), query, "AC", "", func(s *source.Snapshot) error { return appendAll(s, &records) }))
	require.Len(t, records, 5)
}
