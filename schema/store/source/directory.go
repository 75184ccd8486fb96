package source

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"

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

// personRow is a schema.Person whose name may be missing.
type personRow struct {
	ID      string         `db:"id"`
	Account string         `db:"account_sid"`
	Email   string         `db:"email"`
	Name    sql.NullString `db:"name"`
	Role    schema.Role    `db:"role"`
	Zone    sql.NullString `db:"timezone"` // a query may leave it out
}

// People returns the people of an account. Who has no name is called by the address.
func (d *Directory) People(ctx context.Context, account string) ([]schema.Person, error) {
	var rows []personRow
	err := d.db.selectRows(ctx, "read people", &rows, d.queries.People, account)
	people := make([]schema.Person, len(rows))
	for i, r := range rows {
		address := strings.TrimSpace(r.Email)
		people[i] = schema.Person{
			ID: r.ID, Account: r.Account, Email: address, Role: r.Role, Zone: r.Zone.String,
			Name: cmp.Or(strings.TrimSpace(r.Name.String), address),
		}
	}
	return people, err
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
	err := d.db.selectRow(ctx, "read account", &a, d.queries.Account, id)
	if isNotFound(err) {
		return a, accountNotFound()
	}
	return a, err
}

func accountNotFound() error {
	return schema.Errorf(schema.NotFound, schema.CodeAccountNotFound, "There is no such account.")
}

// Credential returns what the secret of an account SID or API key is checked
// against, or schema.NotFound if neither has that name.
func (d *Directory) Credential(ctx context.Context, username string) (schema.Credential, error) {
	var c schema.Credential
	err := d.db.selectRow(ctx, "read credential", &c, d.queries.Credentials, username)
	if isNotFound(err) {
		return c, schema.Errorf(schema.NotFound, schema.CodeCredentialNotFound, "There is no such account or API key.")
	}
	return c, err
}

// SigningKey returns the account's auth token, sealed with the deployment's key,
// or schema.Conflict if it has none.
func (d *Directory) SigningKey(ctx context.Context, account string) (sealed []byte, err error) {
	if d.queries.Signing != "" {
		err = d.db.selectRow(ctx, "read signing key", &sealed, d.queries.Signing, account)
	}
	if isNotFound(err) || err == nil && len(sealed) == 0 {
		return nil, schema.Errorf(schema.Conflict, schema.CodeNoSigningKey, "The account has no auth token that webhooks could be signed with.")
	}
	return sealed, err
}

// Subaccounts returns the accounts whose parent is the account.
func (d *Directory) Subaccounts(ctx context.Context, account string) ([]schema.Account, error) {
	if d.queries.Subaccounts == "" {
		return nil, nil
	}
	var all []schema.Account
	err := d.db.selectRows(ctx, "read subaccounts", &all, d.queries.Subaccounts, account)
	if isNotFound(err) {
		return nil, nil
	}
	return all, err
}

// CallDay returns the UTC day on which a call of the account was made, whether
// it is in the database or in the archive of old calls. It returns
// schema.NotFound if the account does not have the call.
func (d *Directory) CallDay(ctx context.Context, account, call string) (schema.Day, error) {
	var text string
	err := sql.ErrNoRows
	if d.queries.Call != "" {
		err = d.db.selectRow(ctx, "read call", &text, d.queries.Call, account, call)
	}
	if isNotFound(err) {
		return "", schema.Errorf(schema.NotFound, schema.CodeCallNotFound, "There is no such call.")
	}
	if err != nil {
		return "", err
	}
	day, ok := schema.ParseDay(text)
	if !ok {
		return "", errors.New("read call: the query returned no yyyy-mm-dd day")
	}
	return day, nil
}

// selectRows and selectRow run a query that ends within the stall limit.
func (db *DB) selectRows(ctx context.Context, op string, into any, query string, args ...any) error {
	ctx, cancel := db.withStallLimit(ctx)
	defer cancel()
	return db.wrap(ctx, op, sqlx.SelectContext(ctx, db.pool, into, query, args...))
}

func (db *DB) selectRow(ctx context.Context, op string, into any, query string, args ...any) error {
	ctx, cancel := db.withStallLimit(ctx)
	defer cancel()
	return db.wrap(ctx, op, sqlx.GetContext(ctx, db.pool, into, query, args...))
}

// isNotFound reports whether err means that there is no such row: none was
// found, or the argument cannot be a value of the column (22P02, 22021).
func isNotFound(err error) bool {
	return errors.Is(err, sql.ErrNoRows) || sqlstate.Is(err, "22P02") || sqlstate.Is(err, "22021")
}
