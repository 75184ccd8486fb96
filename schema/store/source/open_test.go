package source_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

func TestOpenNeedsAURLWithItsSSLMode(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	for _, rejected := range []string{"postgres://ada:hunter2@127.0.0.1:1/db", "postgres://ada:hunter2@127.0.0.1:1/db?sslmode=", "http://ada:hunter2@host", "postgres://ada:hunter2@%zz/?sslmode=disable"} {
		_, err := source.Open(t.Context(), rejected, 1)
		require.ErrorContains(t, err, "SOURCE_DATABASE_URL", rejected)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestOpenSucceedsWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	db, err := source.Open(t.Context(), "postgres://ada:hunter2@127.0.0.1:1/db?sslmode=disable", 1)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // it has no connection
	for _, err := range []error{
		db.Ping(t.Context()),
		db.Read(t.Context(), "select 1 as _key, 1 as v where $1 <> ''", "AC", "", func(*source.Snapshot) error { return nil }),
	} {
		require.Equal(t, schema.Unavailable, schema.KindOf(err), "%v", err)
		require.NotContains(t, err.Error(), "127.0.0.1")
	}
}

func TestOpenFailsWithAWrongPassword(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(testservices.EmptyDatabase(t))
	require.NoError(t, err)
	u.User = url.UserPassword("ada", "hunter2")
	_, err = source.Open(t.Context(), u.String(), 1)
	require.EqualError(t, err, "ping source database: SQLSTATE 28P01 (invalid_password)")
}

func TestOpenRejectsSQLASCII(t *testing.T) {
	t.Parallel()
	_, err := source.Open(t.Context(), encoded(t, "SQL_ASCII"), 1)
	require.ErrorContains(t, err, "SQL_ASCII")
}

func TestACancelledCallReturnsTheContextError(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := db.Read(ctx, "select 1 as _key, 1 as v where $1 <> ''", "AC", "", func(*source.Snapshot) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, db.Ping(ctx), context.Canceled)
}

func TestDirectoryFindsPeopleAccountsAndCredentials(t *testing.T) {
	t.Parallel()
	embedded, err := catalog.Embedded()
	require.NoError(t, err)
	db, writer := openURL(t, testservices.Database(t))
	parentID, childID := schema.NewAccountID(), schema.NewAccountID()
	_, err = writer.Exec(`insert into platform.accounts (sid, parent_sid, name, auth_token_sha256) values ($1, null, 'Parent', '\x01'), ($2, $1, 'Child', '\x02')`, parentID, childID)
	require.NoError(t, err)
	olga := schema.Person{ID: schema.NewUserID(), Account: parentID, Email: "o@example.com", Name: "Olga", Role: schema.Owner, Zone: "UTC"}
	max := schema.Person{ID: schema.NewUserID(), Account: parentID, Email: "m@example.com", Name: "Max", Role: schema.Member, Zone: "UTC"}
	xi := schema.Person{ID: schema.NewUserID(), Account: childID, Email: "x@example.com", Name: "Xi", Role: schema.Admin, Zone: "UTC"}
	for _, p := range []schema.Person{olga, max, xi} {
		_, err = writer.Exec(`insert into platform.users (sid, account_sid, email, name, role, status) values ($1, $2, $3, $4, $5, 'active')`, p.ID, p.Account, p.Email+" ", p.Name, p.Role) // blanks around addresses are dropped
		require.NoError(t, err)
	}
	d := db.Directory(source.DirectoryQueries{People: embedded.People(), Account: embedded.Account(), Credentials: embedded.Credentials()})
	ctx := t.Context()

	people, err := d.People(ctx, parentID)
	require.NoError(t, err)
	require.Equal(t, []schema.Person{olga, max}, people)
	person, err := d.Person(ctx, parentID, olga.ID)
	require.NoError(t, err)
	require.Equal(t, olga, person)

	child, err := d.Account(ctx, childID)
	require.NoError(t, err)
	require.Equal(t, schema.Account{ID: childID, Name: "Child", Parent: parentID}, child)

	credential, err := d.Credential(ctx, parentID)
	require.NoError(t, err)
	require.Equal(t, schema.Credential{Account: parentID, Role: schema.Owner, SecretSHA256: []byte{1}}, credential)

	none, err := d.People(ctx, schema.NewAccountID())
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = d.Person(ctx, childID, olga.ID)
	require.Equal(t, schema.NotFound, schema.KindOf(err), "a user of another account")
	for _, id := range []string{schema.NewAccountID(), "", "\x00", "\xff", "' or true --"} {
		_, err = d.Account(ctx, id)
		require.Equal(t, schema.NotFound, schema.KindOf(err), "%q: %v", id, err)
		_, err = d.Credential(ctx, id)
		require.Equal(t, schema.NotFound, schema.KindOf(err), "%q: %v", id, err)
	}
}
