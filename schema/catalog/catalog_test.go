package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/directory"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func TestTheEmbeddedCatalogIsCompleteAndClean(t *testing.T) {
	c := embedded(t)
	for _, category := range schema.Categories {
		require.NotEmpty(t, c.Query(category))
		require.NotEmpty(t, c.Columns(category))
	}
	require.NotEmpty(t, c.People())
	require.NotEmpty(t, c.Account())
	require.NotEmpty(t, c.Credentials())
	require.Panics(t, func() { c.Query("passwords") })
	require.Panics(t, func() { c.Day("Passwords") })

	opened, err := catalog.Open("")
	require.NoError(t, err)
	require.Equal(t, c, opened)

	c.Columns("calls")[0].Name = "changed"
	require.NotEqual(t, "changed", c.Columns("calls")[0].Name, "callers get copies")
	c.DayColumns(schema.Calls)[0].Name = "changed"
	require.NotEqual(t, "changed", c.DayColumns(schema.Calls)[0].Name)
}

func TestOnlyTheQueriesOfSecretsMayReadThem(t *testing.T) {
	for name, allowed := range map[string]bool{"people": false, "account": false, "subaccounts": false, "call": false, "credentials": true, "signing": true} {
		dir := ownCatalog(t)
		file := filepath.Join("directory", name+".sql")
		text, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		write(t, dir, file, strings.Replace(string(text), "where ", "where a.password_hash is not null and ", 1))
		_, err = catalog.Open(dir)
		if allowed {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, `"password_hash" looks like a secret`, name)
		}
	}
}

func TestACompanysOwnCatalogReplacesTheBuiltInOne(t *testing.T) {
	dir := ownCatalog(t)
	own := "select n.no as _key, n.said as \"words\" -- what was said\nfrom crm.notes n where n.customer = $1"
	write(t, dir, "calls.sql", "-- Notes.\n"+own+";\n")

	c, err := catalog.Open(dir)
	require.NoError(t, err)
	require.Equal(t, own, c.Query("calls"))
	require.Equal(t, []catalog.Column{{Name: "words", Description: "what was said"}}, c.Columns("calls"))
	require.Equal(t, embedded(t).Query("flows"), c.Query("flows"))
	require.Equal(t, embedded(t).People(), c.People())
}

func TestEveryProblemOfACatalogIsReported(t *testing.T) {
	dir := ownCatalog(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "charges.sql")))
	require.NoError(t, os.Remove(filepath.Join(dir, "directory", "people.sql")))
	write(t, dir, "voipproviders.sql", "select 1")
	write(t, dir, "directory/persons.sql", "select 1")
	require.NoError(t, os.Remove(filepath.Join(dir, "users.sql")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "users.sql"), 0o700))
	write(t, dir, "flows.sql", "-- Flows.\nselect * from flows")
	write(t, dir, "directory/account.sql", "select f.sid as id\nfrom firms f where f.sid = $1")

	_, err := catalog.Open(dir)
	for _, message := range []string{
		"charges.sql: missing",
		"directory/people.sql: missing",
		"voipproviders.sql: no query has this name",
		"directory/persons.sql: no query has this name",
		"users.sql: cannot be read",
		"flows.sql:2: * names no columns",
		"flows.sql:2: does not use $1",
		"directory/account.sql:1: must select id, name, parent, suspended, and selects id",
	} {
		require.ErrorContains(t, err, message)
	}

	for _, noFolder := range []string{filepath.Join(dir, "nowhere"), filepath.Join(dir, "calls.sql")} {
		_, err = catalog.Open(noFolder)
		require.ErrorContains(t, err, "is not a folder that can be read")
	}
}

func embedded(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Embedded()
	require.NoError(t, err)
	return c
}

// ownCatalog copies the embedded catalog, without days, to a folder.
func ownCatalog(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "directory"), directory.Files))
	for _, category := range schema.Categories {
		text, err := os.ReadFile(string(category) + ".sql")
		require.NoError(t, err)
		write(t, dir, string(category)+".sql", string(text))
	}
	return dir
}

func write(t *testing.T, dir, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
}
