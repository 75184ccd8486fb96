package source

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Directory looks up the platform's accounts, people and credentials.
type Directory struct {
	db      *DB
	queries DirectoryQueries
}

// DirectoryQueries are the SQL queries of a directory. Their columns are the db
// tags of schema.Person, Account and Credential. The last three may be "", which
// means that the platform has nothing of the kind.
type DirectoryQueries struct {
	People      string // people of account $1 who may sign in
	Account     string // account with ID $1, one row or none
	Credentials string // credential of user name $1 in HTTP Basic authentication, one row or none
	Signing     string // sealed auth token of account $1, or null
	Subaccounts string // subaccounts of account $1
	Call        string // UTC day of call $2 of account $1, one row or none
}

// Directory returns a directory that runs these queries on this database.
func (db *DB) Directory(queries DirectoryQueries) *Directory {
	return &Directory{db: db, queries: queries}
}

// People returns the people of an account.
func (d *Directory) People(ctx context.Context, account string) ([]schema.Person, error) {
	var people []schema.Person
	err := sqlx.SelectContext(ctx, d.db.pool, &people, d.queries.People, account)
	return people, sqlstate.WrapContext(ctx, "read people", err)
}

// Person returns one of them, or schema.NotFound if the account has no such user.
func (d *Directory) Person(ctx context.Context, account, user string) (schema.Person, error) {
	people, err := d.People(ctx, account)
	if err != nil {
		return schema.Person{}, err
	}
	for _, p := range people {
		if p.ID == user {
			return p, nil
		}
	}
	return schema.Person{}, schema.Errorf(schema.NotFound, schema.CodeUserNotFound, "There is no such user.")
}

// Account returns an account, or schema.NotFound.
func (d *Directory) Account(ctx context.Context, id string) (schema.Account, error) {
	var a schema.Account
	err := sqlx.GetContext(ctx, d.db.pool, &a, d.queries.Account, id)
	if isNotFound(err) {
		return a, accountNotFound()
	}
	return a, sqlstate.WrapContext(ctx, "read account", err)
}

func accountNotFound() error {
	return schema.Errorf(schema.NotFound, schema.CodeAccountNotFound, "There is no such account.")
}

// Credential returns what the secret of an account SID or API key is checked
// against, or schema.NotFound if neither has that name.
func (d *Directory) Credential(ctx context.Context, username string) (schema.Credential, error) {
	var c schema.Credential
	err := sqlx.GetContext(ctx, d.db.pool, &c, d.queries.Credentials, username)
	if isNotFound(err) {
		return c, schema.Errorf(schema.NotFound, schema.CodeCredentialNotFound, "There is no such account or API key.")
	}
	return c, sqlstate.WrapContext(ctx, "read credential", err)
}

// SigningKey returns the account's auth token, sealed with the deployment's key,
// or schema.Conflict if it has none.
func (d *Directory) SigningKey(ctx context.Context, account string) (sealed []byte, err error) {
	if d.queries.Signing != "" {
		err = sqlx.GetContext(ctx, d.db.pool, &sealed, d.queries.Signing, account)
	}
	if isNotFound(err) || err == nil && len(sealed) == 0 {
		return nil, schema.Errorf(schema.Conflict, schema.CodeNoSigningKey, "The account has no auth token that webhooks could be signed with.")
	}
	return sealed, sqlstate.WrapContext(ctx, "read signing key", err)
}

// Subaccounts returns the accounts whose parent is the account.
func (d *Directory) Subaccounts(ctx context.Context, account string) ([]schema.Account, error) {
	if d.queries.Subaccounts == "" {
		return nil, nil
	}
	var all []schema.Account
	err := sqlx.SelectContext(ctx, d.db.pool, &all, d.queries.Subaccounts, account)
	if isNotFound(err) {
		return nil, nil
	}
	return all, sqlstate.WrapContext(ctx, "read subaccounts", err)
}

// CallDay returns the UTC day on which a call of the account was made, whether
// it is in the database or in the archive of old calls. It returns
// schema.NotFound if the account does not have the call.
func (d *Directory) CallDay(ctx context.Context, account, call string) (schema.Day, error) {
	var text string
	err := sql.ErrNoRows
	if d.queries.Call != "" {
		err = sqlx.GetContext(ctx, d.db.pool, &text, d.queries.Call, account, call)
	}
	if isNotFound(err) {
		return "", schema.Errorf(schema.NotFound, schema.CodeCallNotFound, "There is no such call.")
	}
	if err != nil {
		return "", sqlstate.WrapContext(ctx, "read call", err)
	}
	day, ok := schema.ParseDay(text)
	if !ok {
		return "", errors.New("read call: the query returned no yyyy-mm-dd day")
	}
	return day, nil
}

// isNotFound reports whether err means that there is no such row: none was
// found, or the argument cannot be a value of the column (22P02, 22021).
func isNotFound(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || sqlstate.Is(err, "22P02") || sqlstate.Is(err, "22021")
}
