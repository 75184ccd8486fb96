package catalog_test

import (
	"os"
	"path/filepath"
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
	write(t, dir, "flows.sql", "-- Flows.\nselect * from flows")
	write(t, dir, "directory/account.sql", "select f.sid as id\nfrom firms f where f.sid = $1")

	_, err := catalog.Open(dir)
	for _, message := range []string{
		"charges.sql: missing",
		"directory/people.sql: missing",
		"voipproviders.sql: no query has this name",
		"flows.sql:2: * names no columns",
		"flows.sql:2: does not use $1",
		"directory/account.sql:1: must select id, name, parent, suspended, and selects id",
	} {
		require.ErrorContains(t, err, message)
	}

	_, err = catalog.Open(filepath.Join(dir, "nowhere"))
	require.ErrorContains(t, err, "is not a folder that can be read")
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
