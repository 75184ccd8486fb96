package source

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Directory is who is who on the platform.
type Directory struct {
	db      *DB
	queries DirectoryQueries
}

// DirectoryQueries are the questions the directory answers, as SQL. Their
// columns are the db tags of schema.Person, Account and Credential. The last
// three may be "": nothing is known of what they ask for.
type DirectoryQueries struct {
	People      string // of account $1, everybody who may come in
	Account     string // with ID $1, one row or none
	Credentials string // of user name $1 in HTTP Basic authentication, one row or none
	Signing     string // sealed auth token of account $1, or null
	Subaccounts string // of account $1
	Call        string // UTC day of call $2 of account $1, one row or none
}

// Directory answers from this database by these queries.
func (db *DB) Directory(queries DirectoryQueries) *Directory {
	return &Directory{db: db, queries: queries}
}

// People lists the people of an account.
func (d *Directory) People(ctx context.Context, account string) ([]schema.Person, error) {
	var people []schema.Person
	err := sqlx.SelectContext(ctx, d.db.pool, &people, d.queries.People, account)
	return people, sqlstate.WrapContext(ctx, "read people", err)
}

// Person finds one of them; schema.NotFound where the account has no such user.
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

// Account finds an account; schema.NotFound where there is none.
func (d *Directory) Account(ctx context.Context, id string) (schema.Account, error) {
	var a schema.Account
	err := sqlx.GetContext(ctx, d.db.pool, &a, d.queries.Account, id)
	if nobody(err) {
		return a, schema.Errorf(schema.NotFound, schema.CodeAccountNotFound, "There is no such account.")
	}
	return a, sqlstate.WrapContext(ctx, "read account", err)
}

// Credential finds what an account SID or API key is checked against;
// schema.NotFound where nothing goes by that name.
func (d *Directory) Credential(ctx context.Context, username string) (schema.Credential, error) {
	var c schema.Credential
	err := sqlx.GetContext(ctx, d.db.pool, &c, d.queries.Credentials, username)
	if nobody(err) {
		return c, schema.Errorf(schema.NotFound, schema.CodeCredentialNotFound, "There is no such account or API key.")
	}
	return c, sqlstate.WrapContext(ctx, "read credential", err)
}

// SigningKey is the account's auth token as the deployment's key sealed it;
// schema.Conflict where it has none.
func (d *Directory) SigningKey(ctx context.Context, account string) (sealed []byte, err error) {
	if d.queries.Signing != "" {
		err = sqlx.GetContext(ctx, d.db.pool, &sealed, d.queries.Signing, account)
	}
	if nobody(err) || err == nil && len(sealed) == 0 {
		return nil, schema.Errorf(schema.Conflict, schema.CodeNoSigningKey, "The account has no auth token that webhooks could be signed with.")
	}
	return sealed, sqlstate.WrapContext(ctx, "read signing key", err)
}

// Subaccounts lists the accounts whose parent the account is.
func (d *Directory) Subaccounts(ctx context.Context, account string) ([]schema.Account, error) {
	if d.queries.Subaccounts == "" {
		return nil, nil
	}
	var all []schema.Account
	err := sqlx.SelectContext(ctx, d.db.pool, &all, d.queries.Subaccounts, account)
	if nobody(err) {
		return nil, nil
	}
	return all, sqlstate.WrapContext(ctx, "read subaccounts", err)
}

// CallDay is the UTC day on which a call of the account was made, wherever it
// is kept; schema.NotFound where the account never had it, or has it no more.
func (d *Directory) CallDay(ctx context.Context, account, call string) (schema.Day, error) {
	var text string
	err := sql.ErrNoRows
	if d.queries.Call != "" {
		err = sqlx.GetContext(ctx, d.db.pool, &text, d.queries.Call, account, call)
	}
	if nobody(err) {
		return "", schema.Errorf(schema.NotFound, schema.CodeCallNotFound, "There is no such call.")
	}
	if err != nil {
		return "", sqlstate.WrapContext(ctx, "read call", err)
	}
	day, ok := schema.ParseDay(text)
	if !ok {
		return "", errors.New("read call: what it answers is no day")
	}
	return day, nil
}

// nobody tells whether err means that there is no such row: none was found, or
// what was asked for can not be a value of the column (22P02, 22021).
func nobody(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || sqlstate.Is(err, "22P02") || sqlstate.Is(err, "22021")
}
