package directory_test

import (
	"context"
	"crypto/sha256"
	"testing"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver
	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func TestPeopleAreTheActiveUsers(t *testing.T) {
	db, a := begin(t)
	people := selectAll[schema.Person](t, db, queries(t).People(), a.AccountSID)
	require.Len(t, people, 3)
	for i, u := range a.Users {
		require.Equal(t, schema.Person{ID: u.ID, Account: a.AccountSID, Email: u.Email, Name: u.Name, Role: u.Role, Zone: "UTC"}, people[i])
	}

	db.MustExec("update platform.users set status = 'deactivated' where sid = $1", a.As(schema.Admin).ID)
	db.MustExec("update platform.users set status = 'invited' where sid = $1", a.As(schema.Member).ID)
	people = selectAll[schema.Person](t, db, queries(t).People(), a.AccountSID)
	require.Len(t, people, 1)
	require.Equal(t, schema.Owner, people[0].Role)
	require.Empty(t, selectAll[schema.Person](t, db, queries(t).People(), schema.NewAccountID()))
}

func TestAccountHasItsParentAndSuspension(t *testing.T) {
	db, a := begin(t)
	require.Equal(t, []schema.Account{{ID: a.AccountSID, Name: "Firm"}}, selectAll[schema.Account](t, db, queries(t).Account(), a.AccountSID))
	require.Empty(t, selectAll[schema.Account](t, db, queries(t).Account(), schema.NewAccountID()))

	parent := schema.NewAccountID()
	db.MustExec("insert into platform.accounts (sid, name, auth_token_sha256) values ($1, 'Parent', '')", parent)
	db.MustExec("update platform.accounts set parent_sid = $2, suspended = true where sid = $1", a.AccountSID, parent)
	require.Equal(t, []schema.Account{{ID: a.AccountSID, Name: "Firm", Parent: parent, Suspended: true}},
		selectAll[schema.Account](t, db, queries(t).Account(), a.AccountSID))

	db.MustExec("update platform.accounts set suspended = false, status = 'closed' where sid = $1", a.AccountSID)
	require.True(t, selectAll[schema.Account](t, db, queries(t).Account(), a.AccountSID)[0].Suspended)
}

func TestCredentialsAreTheAccountsTokenOrAUsersKey(t *testing.T) {
	db, a := begin(t)
	token, secret := sha256.Sum256([]byte(a.AuthToken)), sha256.Sum256([]byte(a.APIKey.Secret))
	require.Equal(t, []schema.Credential{{Account: a.AccountSID, Role: schema.Owner, SecretSHA256: token[:]}}, credentials(t, db, a.AccountSID))
	require.Equal(t, []schema.Credential{{Account: a.AccountSID, User: a.Users[0].ID, Role: schema.Owner, SecretSHA256: secret[:]}}, credentials(t, db, a.APIKey.SID))
	require.Empty(t, credentials(t, db, a.Users[0].ID))

	db.MustExec("update platform.users set role = 'member' where sid = $1", a.Users[0].ID)
	require.Equal(t, schema.Member, credentials(t, db, a.APIKey.SID)[0].Role, "a key has the current role of its user")
	db.MustExec("update platform.accounts set suspended = true where sid = $1", a.AccountSID)
	require.True(t, credentials(t, db, a.APIKey.SID)[0].Suspended)
	require.True(t, credentials(t, db, a.AccountSID)[0].Suspended)
	db.MustExec("update platform.users set status = 'deactivated' where sid = $1", a.Users[0].ID)
	require.Empty(t, credentials(t, db, a.APIKey.SID), "a key ends with its user")
}

func TestARevokedKeyIsNoCredential(t *testing.T) {
	db, a := begin(t)
	db.MustExec("update platform.api_keys set revoked_at = now() where sid = $1", a.APIKey.SID)
	require.Empty(t, credentials(t, db, a.APIKey.SID))
	require.NotEmpty(t, credentials(t, db, a.AccountSID))
}

// begin makes an account with an owner, an admin and a member.
func begin(t *testing.T) (*sqlx.DB, demo.Account) {
	t.Helper()
	url := testservices.Database(t)
	a, err := demo.NewAccount(context.Background(), url, demo.With{Name: "Firm", Admin: true, Member: true})
	require.NoError(t, err)
	db, err := sqlx.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db, a
}

func queries(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Embedded()
	require.NoError(t, err)
	return c
}

func credentials(t *testing.T, db *sqlx.DB, username string) []schema.Credential {
	t.Helper()
	return selectAll[schema.Credential](t, db, queries(t).Credentials(), username)
}

func selectAll[T any](t *testing.T, db *sqlx.DB, query, argument string) []T {
	t.Helper()
	var rows []T
	require.NoError(t, db.Select(&rows, query, argument))
	return rows
}
