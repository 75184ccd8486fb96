package migrations_test

import (
	"database/sql"
	"os"
	"testing"

	_ "github.com/lib/pq" // the driver
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/migrations"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func TestMigrationsOfBulkExportsCanBeRevertedAndReapplied(t *testing.T) {
	db, err := sql.Open("postgres", testservices.Database(t))
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // nothing is lost by it
	versions, err := database.NewStore(database.DialectPostgres, "public.satchel_migrations")
	require.NoError(t, err)
	p, err := goose.NewProvider("", db, os.DirFS("satchel"), goose.WithStore(versions))
	require.NoError(t, err)

	export := schema.NewExportID()
	for _, statement := range []string{
		`insert into satchel.exports (id, account_sid, requested_by, status, requested_at, confirm_by) values ('` + export + `', 'AC', '', 'pending', now(), now())`,
		`insert into satchel.emails (subject, email_key, sent) values ('` + export + `', 'confirm/US1/1', true), ('` + schema.NewJobID() + `', 'job_ended/US1/1', true)`,
	} {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	_, err = p.DownTo(t.Context(), 3)
	require.NoError(t, err)
	var emails int
	require.NoError(t, db.QueryRow(`select count(*) from satchel.emails where export_id = $1`, export).Scan(&emails))
	require.Equal(t, 1, emails, "e-mails about exports stay")
	state, err := migrations.StateOf(t.Context(), db, migrations.Satchel)
	require.NoError(t, err)
	require.Equal(t, migrations.Older, state)

	_, err = p.Up(t.Context())
	require.NoError(t, err)
	require.NoError(t, db.QueryRow(`select count(*) from satchel.emails`).Scan(&emails))
	require.Equal(t, 1, emails)
	state, err = migrations.StateOf(t.Context(), db, migrations.Satchel)
	require.NoError(t, err)
	require.Equal(t, migrations.Current, state)
}
