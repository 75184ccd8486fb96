package migrations_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/services"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/migrations"
)

func TestTheDocumentedBackupCanBeTakenAndRestoredWithoutKeys(t *testing.T) {
	database := testservices.EmptyDatabase(t)
	owner := testservices.AsOwner(t, database)
	require.NoError(t, migrations.Apply(t.Context(), owner, migrations.Satchel))
	testservices.AsApp(t, database) // with the grants, as in production
	db, err := sql.Open("postgres", database)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // nothing is lost by it
	export := schema.NewExportID()
	for _, statement := range []string{
		`insert into satchel.exports (id, account_sid, requested_by, status, requested_at, confirm_by) values ('` + export + `', 'AC', '', 'confirmed', now(), now())`,
		`insert into satchel.export_keys (export_id, wrapped) values ('` + export + `', 'the wrapped key')`,
		`insert into satchel.audit (account_sid, subject, actor, action) values ('AC', '` + export + `', 'US1', 'requested')`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err, statement)
	}

	root, err := services.Root()
	require.NoError(t, err)
	docs, err := os.ReadFile(filepath.Join(root, "docs", "running.md"))
	require.NoError(t, err)
	command := regexp.MustCompile(`(?s)` + "```" + `sh\n(pg_dump .*?)` + "```").FindStringSubmatch(string(docs))
	require.NotNil(t, command)
	documented := regexp.MustCompile(`'postgres://satchel_owner:…@[^']*'`)
	require.Regexp(t, documented, command[1])
	bin, err := services.PostgresBin(t.TempDir())
	require.NoError(t, err)
	shell := func(script string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", script)
		cmd.Dir, cmd.Env = filepath.Dir(bin), append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	dir := t.TempDir()
	shell("cd " + dir + "\n" + documented.ReplaceAllLiteralString(command[1], "'"+owner+"'"))

	dump, err := os.ReadFile(filepath.Join(dir, "satchel.sql"))
	require.NoError(t, err)
	require.Contains(t, string(dump), "US1")
	require.NotContains(t, string(dump), "the wrapped key")
	require.NotContains(t, strings.ToLower(string(dump)), "7468652077726170706564206b6579", "nor in hexadecimal digits")

	restored := testservices.EmptyDatabase(t)
	shell("psql --quiet --set ON_ERROR_STOP=1 --file " + filepath.Join(dir, "satchel.sql") + " '" + restored + "'")
	into, err := sql.Open("postgres", restored)
	require.NoError(t, err)
	defer into.Close() //nolint:errcheck // nothing is lost by it
	state, err := migrations.StateOf(t.Context(), into, migrations.Satchel)
	require.NoError(t, err)
	require.Equal(t, migrations.Current, state)
}
