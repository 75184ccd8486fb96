package catalog_test

import (
	"database/sql"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema/catalog"
)

func TestEveryColumnIsExportedOrExcludedWithAReason(t *testing.T) {
	tx := begin(t, testservices.Database(t))
	exported, excluded := exported(t, tx), excluded(t)
	require.Empty(t, undecided(t, tx, exported, excluded),
		"decide: export it in schema/catalog, or say in excluded.txt why it is not exported")
	for column := range excluded {
		require.NotContains(t, exported, column, "is exported and excluded")
		require.Contains(t, columnsOf(t, tx), column, "is excluded but does not exist")
	}
}

func TestANewColumnOrTableFailsTheBuild(t *testing.T) {
	tx := begin(t, testservices.Database(t))
	for _, statement := range []string{
		`alter table platform.users add column fax text, add column "homePage" text`,
		`create table platform.zz_new_table (id bigint, account_sid text)`,
		`create table platform.blank ()`,
		`create materialized view platform.busy as select sid from platform.calls`,
	} {
		_, err := tx.Exec(statement)
		require.NoError(t, err)
	}
	require.Equal(t, []string{
		"blank",
		"busy", "busy.sid",
		"users.fax", "users.homePage",
		"zz_new_table", "zz_new_table.account_sid", "zz_new_table.id",
	}, undecided(t, tx, exported(t, tx), excluded(t)))
}

func TestColumnsThatLookSecretAreExcluded(t *testing.T) {
	excluded := excluded(t)
	for _, column := range columnsOf(t, begin(t, testservices.Database(t))) {
		if _, name, _ := strings.Cut(column, "."); catalog.LooksSecret(name) {
			require.Contains(t, excluded, column)
		}
	}
}

// undecided returns the columns that are neither exported nor excluded, and the
// tables without any column that is.
func undecided(t testing.TB, tx *sql.Tx, exported map[string]bool, excluded map[string]string) []string {
	decided := map[string]bool{}
	var names []string
	for _, column := range columnsOf(t, tx) {
		if exported[column] || excluded[column] != "" {
			table, _, _ := strings.Cut(column, ".")
			decided[table] = true
		} else {
			names = append(names, column)
		}
	}
	for _, table := range tablesIn(t, tx) {
		if !decided[table] {
			names = append(names, table)
		}
	}
	slices.Sort(names)
	return names
}

// exported returns the columns, as table.column, that a category or a day's
// records are made from.
func exported(t testing.TB, tx *sql.Tx) map[string]bool {
	columns := map[string]bool{}
	add := func(fields []exportedField) {
		for _, field := range fields {
			for _, source := range field.sources {
				columns[strings.TrimPrefix(source, "platform.")] = true
			}
		}
	}
	for _, fields := range exportedFields(t, tx) {
		add(fields)
	}
	for _, fields := range exportedDayFields(t, tx) {
		add(fields)
	}
	return columns
}

// excluded returns the columns in excluded.txt and their reasons.
func excluded(t testing.TB) map[string]string {
	text, err := os.ReadFile("excluded.txt")
	require.NoError(t, err)
	reasons := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		column, reason, _ := strings.Cut(line, ": ")
		require.NotContains(t, reasons, column, "is excluded twice")
		require.GreaterOrEqual(t, len(strings.Fields(reason)), 2, "%s has no reason", column)
		reasons[column] = reason
	}
	return reasons
}

func tablesIn(t testing.TB, tx *sql.Tx) []string {
	return list(t, tx, `select relname from pg_class
		where relnamespace = 'platform'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')`)
}

func columnsOf(t testing.TB, tx *sql.Tx) []string {
	return list(t, tx, `select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relnamespace = 'platform'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
		and a.attnum > 0 and not a.attisdropped`)
}

func list(t testing.TB, tx *sql.Tx, query string, args ...any) []string {
	t.Helper()
	rows, err := tx.Query(query, args...)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // read to its end
	var names []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	return names
}
