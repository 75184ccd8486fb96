package catalog_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/days"
)

func TestTheColumnsOfDaysAreTheOnesReviewed(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Every field of bulk exports: its name, where it comes from, its type in\n" +
		"# Postgres, and what it is. Made by: go test ./schema/catalog -update\n")
	exported := exportedDayFields(t, begin(t, testservices.Database(t)))
	for _, typ := range schema.ResourceTypes {
		fmt.Fprintf(&b, "\n%s\n", typ)
		for _, l := range exported[typ] {
			fmt.Fprintf(&b, "  %-26s %-50s %-5s %s\n", l.name, strings.Join(l.sources, " "), l.databaseType, l.description)
		}
	}
	requireReviewed(t, "../days/columns.golden", b.String())
}

// exportedDayFields returns the fields of each type's query.
func exportedDayFields(t testing.TB, tx *sql.Tx) map[schema.ResourceType][]exportedField {
	all := map[schema.ResourceType][]exportedField{}
	c := embedded(t)
	for _, typ := range schema.ResourceTypes {
		args := []any{"", "2026-01-01", "2026-01-02", "{}"}[:days.Params(typ)]
		all[typ] = fields(t, tx, c.Day(typ), c.DayColumns(typ), []string{"_at", "_key"}, args...)
	}
	return all
}

func TestACompanysOwnDaysReplaceTheBuiltInOnes(t *testing.T) {
	dir := ownCatalog(t)
	c, err := catalog.Open(dir)
	require.NoError(t, err)
	require.False(t, c.HasDays(), "the built-in queries are those of another database")
	require.Panics(t, func() { c.Day(schema.Calls) })
	require.Empty(t, c.EraseCalls())
	require.True(t, embedded(t).HasDays())

	own := copyDays(t, dir)
	text, err := os.ReadFile(filepath.Join(own, "Conferences.sql"))
	require.NoError(t, err)
	write(t, own, "Conferences.sql", strings.ReplaceAll(string(text), "platform.conferences", "meetings"))
	c, err = catalog.Open(dir)
	require.NoError(t, err)
	require.True(t, c.HasDays())
	require.Contains(t, c.Day(schema.Conferences), "from meetings c")
	require.Equal(t, days.Keys[schema.Conferences], names(c.DayColumns(schema.Conferences)))
	require.Equal(t, embedded(t).EraseCalls(), c.EraseCalls())

	require.NoError(t, os.RemoveAll(filepath.Join(own, "erase")))
	c, err = catalog.Open(dir)
	require.NoError(t, err)
	require.Empty(t, c.EraseCalls(), "the folder has no erase/Calls.sql")
}

func TestAPartOfTheDayQueriesIsRefused(t *testing.T) {
	dir := ownCatalog(t)
	own := copyDays(t, dir)
	require.NoError(t, os.Remove(filepath.Join(own, "Participants.sql")))
	_, err := catalog.Open(dir)
	require.ErrorContains(t, err, "days/Participants.sql: missing")
	require.NoError(t, os.RemoveAll(own))
	require.NoError(t, os.Mkdir(own, 0o700))
	_, err = catalog.Open(dir)
	require.ErrorContains(t, err, "days/Calls.sql: missing", "an empty folder, too")
}

func TestEveryProblemOfADayQueryIsReported(t *testing.T) {
	dir := ownCatalog(t)
	own := copyDays(t, dir)
	change := func(file, from, to string) {
		text, err := os.ReadFile(filepath.Join(own, file))
		require.NoError(t, err)
		require.Contains(t, string(text), from)
		write(t, own, file, strings.Replace(string(text), from, to, 1))
	}
	change("Calls.sql", "and c.sid <> all ($4::text[])", "")
	change("Messages.sql", "    m.from_number as \"from\", -- who sent it\n", "")
	change("Participants.sql", "p.date_created as _at", "p.date_created as _when")
	change("Conferences.sql", "and c.date_created < $3", "and c.date_created < $4 order by 1")
	write(t, own, "messages.sql", "select 1")
	write(t, own, "erase/Calls.sql", "update calls set sid = $2 where account_sid = $1; drop table calls")
	_, err := catalog.Open(dir)
	for _, message := range []string{
		"days/Calls.sql:49: does not use $4",
		"days/Messages.sql:4: must select sid, account_sid, messaging_service_sid, from, to, body,",
		`days/Participants.sql:5: the first column must be _at, not "_when"`,
		"days/Conferences.sql:16: $4: the parameters are $1, the account, to $3",
		"days/Conferences.sql:16: ORDER is added by the reader",
		"days/Conferences.sql:16: does not use $3",
		"days/messages.sql: no query has this name",
		"days/erase/Calls.sql:1: must be a plain DELETE FROM",
		"days/erase/Calls.sql:1: contains more than one statement",
	} {
		require.ErrorContains(t, err, message)
	}
	for _, wrong := range []string{"delete from calls where sid = any ($2)", "delete from calls where account_sid = $1", "delete from calls where account_sid = $1 and sid = any ($2) and update"} {
		write(t, own, "erase/Calls.sql", wrong)
		_, err := catalog.Open(dir)
		require.ErrorContains(t, err, "days/erase/Calls.sql:1: ", wrong)
	}
}

func TestSomeDirectoryQueriesAreOptional(t *testing.T) {
	dir := ownCatalog(t)
	for _, name := range []string{"signing", "subaccounts", "call"} {
		require.NoError(t, os.Remove(filepath.Join(dir, "directory", name+".sql")))
	}
	c, err := catalog.Open(dir)
	require.NoError(t, err)
	require.Empty(t, c.Signing())
	require.Empty(t, c.Subaccounts())
	require.Empty(t, c.Call())
	require.NotEmpty(t, embedded(t).Signing())
	require.NotEmpty(t, embedded(t).Subaccounts())
	require.NotEmpty(t, embedded(t).Call())

	write(t, dir, "directory/call.sql", "select c.day from c where c.account = $1")
	_, err = catalog.Open(dir)
	require.ErrorContains(t, err, "directory/call.sql:1: does not use $2")
}

// copyDays copies the built-in queries of bulk exports into a company's catalog.
func copyDays(t *testing.T, dir string) string {
	t.Helper()
	own := filepath.Join(dir, "days")
	require.NoError(t, os.CopyFS(own, days.Files))
	return own
}

func names(columns []catalog.Column) (all []string) {
	for _, c := range columns {
		all = append(all, c.Name)
	}
	return all
}
