package demo

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"

	_ "github.com/lib/pq" // the driver

	"satchel/schema"
)

// Demo is the result of Load.
type Demo struct {
	Accounts []Account `json:"accounts"`
}

// Account is an account with its credentials.
type Account struct {
	AccountSID       string `json:"accountSid"`
	AuthToken        string `json:"authToken"`
	ParentAccountSID string `json:"parentAccountSid"` // "" for a top-level account
	Name             string `json:"name"`
	Users            []User `json:"users"`
	APIKey           APIKey `json:"apiKey"` // of the first user
}

// User is a user of an account. SignInURL is empty until At sets it.
type User struct {
	ID        string      `json:"-"`
	Name      string      `json:"-"`
	Email     string      `json:"email"`
	Role      schema.Role `json:"role"`
	SignInURL string      `json:"signInUrl"`
}

// APIKey authenticates for its account by HTTP Basic, with the role of the user
// it belongs to.
type APIKey struct {
	SID    string `json:"sid"`
	Secret string `json:"secret"`
}

// Sealer encrypts the auth token of an account for storage. With nil, no token is
// stored.
type Sealer func(account string, token []byte) ([]byte, error)

// At returns a copy with the sign-in URLs of all users at baseURL.
func (d Demo) At(baseURL string) Demo {
	accounts := make([]Account, len(d.Accounts))
	for i, a := range d.Accounts {
		accounts[i] = a.At(baseURL)
	}
	return Demo{Accounts: accounts}
}

// At returns a copy with the sign-in URLs of its users at baseURL.
func (a Account) At(baseURL string) Account {
	users := make([]User, len(a.Users))
	for i, u := range a.Users {
		u.SignInURL = baseURL + "/dev/sign-in?user=" + u.ID
		users[i] = u
	}
	a.Users = users
	return a
}

// As returns the account's first user in this role. It panics if there is none.
func (a Account) As(role schema.Role) User {
	for _, u := range a.Users {
		if u.Role == role {
			return u
		}
	}
	panic("demo: account " + a.AccountSID + " has no " + string(role))
}

// Load creates the demo accounts, if they are missing, and returns them in this order:
// a small account with users in every role and rows in every category, a parent and
// its two subaccounts, an account with a member, who may not export, and a new account
// without rows.
func Load(ctx context.Context, databaseURL string, seal Sealer) (*Demo, error) {
	d := &Demo{}
	for _, s := range accountSpecs {
		d.Accounts = append(d.Accounts, s.account())
	}
	err := inTransaction(ctx, databaseURL, func(tx *sql.Tx) error {
		for i, s := range accountSpecs {
			isNew, err := insert(ctx, tx, d.Accounts[i], seal)
			if err != nil {
				return err
			}
			if isNew {
				err = s.insertRecords(ctx, tx, d.Accounts[i].AccountSID)
			} else {
				err = s.backfill(ctx, tx, d.Accounts[i], seal)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load demo accounts: %w", err)
	}
	return d, nil
}

//go:embed records.sql
var recordsSQL string

//go:embed bulk_records.sql
var bulkRecordsSQL string

// addRecords inserts the records of records.sql and bulk_records.sql, and a few
// rows of each category that these lack.
func addRecords(ctx context.Context, tx *sql.Tx, account string) error {
	if _, err := tx.ExecContext(ctx, `select set_config('demo.account', $1, true)`, account); err != nil {
		return err
	}
	for _, records := range []string{recordsSQL, bulkRecordsSQL} {
		if _, err := tx.ExecContext(ctx, records); err != nil {
			return fmt.Errorf("add records: %w", err)
		}
	}
	for _, category := range Fillable() {
		if err := addMissing(ctx, tx, account, category); err != nil {
			return fmt.Errorf("add %s: %w", category, err)
		}
	}
	return nil
}

// addMissing adds a few rows to a category of which the account has none.
func addMissing(ctx context.Context, tx *sql.Tx, account string, category schema.Category) error {
	_, table, err := fillStatement(category)
	if err != nil {
		return err
	}
	var exists bool
	if err := tx.QueryRowContext(ctx, "select exists (select from "+table+" where account_sid = $1)", account).Scan(&exists); err != nil || exists {
		return err
	}
	return insertRows(ctx, tx, account, category, 3)
}

//go:embed poison.sql
var poisonSQL string

// addPoison adds invalid Unicode to the records of addRecords, for tests.
func addPoison(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, poisonSQL); err != nil {
		return fmt.Errorf("add poison: %w", err)
	}
	return nil
}

func inTransaction(ctx context.Context, databaseURL string, do func(*sql.Tx) error) error {
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer db.Close() //nolint:errcheck // the transaction is committed by then
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // a no-op once committed
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
