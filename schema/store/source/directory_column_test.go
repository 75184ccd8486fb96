package source_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store/source"
)

func TestAPersonWithoutANameIsCalledByTheAddress(t *testing.T) {
	p := newPlatform(t)
	directory := source.NewPlatform(p.db, p.catalog)
	before, err := directory.People(t.Context(), p.account)
	require.NoError(t, err)
	require.NotEqual(t, before[0].Email, before[0].Name)
	p.exec(`alter table platform.users alter column name drop not null`)
	for _, missing := range []any{nil, "", " "} {
		p.exec(`update platform.users set name = $2 where sid = $1`, before[0].ID, missing)
		people, err := directory.People(t.Context(), p.account)
		require.NoError(t, err)
		require.Len(t, people, len(before))
		require.Equal(t, before[0].Email, people[0].Name)

		own := p.db.Directory(source.DirectoryQueries{People: `select sid as id, account_sid, email, name, role from platform.users where account_sid = $1 order by id`})
		person, err := own.Person(t.Context(), p.account, before[0].ID)
		require.NoError(t, err, "of another catalog, too")
		require.Equal(t, before[0].Email, person.Name)
	}
}

func TestANullThatTheDirectoryMustNotReturnIsNamed(t *testing.T) {
	p := newPlatform(t)
	const null = "null::text"
	for want, query := range map[string]func() error{
		"read people: the query returned null in the column email, which must not be null": func() error {
			_, err := p.db.Directory(source.DirectoryQueries{People: "select 'US' as id, $1 as account_sid, " + null + " as email, 'x' as name, 'owner' as role"}).People(t.Context(), "AC")
			return err
		},
		"read people: the query returned null in the column role, which must not be null": func() error {
			_, err := p.db.Directory(source.DirectoryQueries{People: "select 'US' as id, $1 as account_sid, 'x' as email, 'x' as name, " + null + " as role"}).People(t.Context(), "AC")
			return err
		},
		"read account: the query returned null in the column name, which must not be null": func() error {
			_, err := p.db.Directory(source.DirectoryQueries{Account: "select $1 as id, " + null + " as name, '' as parent, false as suspended"}).Account(t.Context(), "AC")
			return err
		},
		"read account: the query returned a value of another type in the column suspended": func() error {
			_, err := p.db.Directory(source.DirectoryQueries{Account: "select $1 as id, 'x' as name, '' as parent, 'seekrit' as suspended"}).Account(t.Context(), "AC")
			return err
		},
		"read credential: the query returned null in the column user_id, which must not be null": func() error {
			_, err := p.db.Directory(source.DirectoryQueries{Credentials: "select $1 as account_sid, " + null + " as user_id, 'owner' as role, ''::bytea as secret_sha256, false as suspended"}).Credential(t.Context(), "AC")
			return err
		},
		"read subaccounts: the query returned null in the column parent, which must not be null": func() error {
			_, err := p.db.Directory(source.DirectoryQueries{Subaccounts: "select $1 as id, 'x' as name, " + null + " as parent, false as suspended"}).Subaccounts(t.Context(), "AC")
			return err
		},
	} {
		err := query()
		require.EqualError(t, err, want)
		require.Equal(t, schema.Kind(""), schema.KindOf(err))
	}
}
