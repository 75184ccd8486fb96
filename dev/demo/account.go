package demo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"

	"satchel/schema"
)

// With configures a new account, which always has an owner.
type With struct {
	Name    string // "New account" if empty
	Parent  string // ID of the account it is a subaccount of
	Admin   bool
	Member  bool
	Records bool // the edge cases of records.sql, in every category
	Seal    Sealer
}

// NewAccount creates an account with random IDs, secrets and addresses.
func NewAccount(ctx context.Context, databaseURL string, with With) (Account, error) {
	a := Account{
		AccountSID: schema.NewAccountID(), AuthToken: secret(), ParentAccountSID: with.Parent, Name: with.Name,
		APIKey: APIKey{SID: schema.NewAPIKeyID(), Secret: secret()},
	}
	if a.Name == "" {
		a.Name = "New account"
	}
	roles := []schema.Role{schema.Owner}
	if with.Admin {
		roles = append(roles, schema.Admin)
	}
	if with.Member {
		roles = append(roles, schema.Member)
	}
	for _, role := range roles {
		id := schema.NewUserID()
		a.Users = append(a.Users, User{ID: id, Name: "Some " + string(role), Email: string(role) + "." + id[2:14] + "@example.com", Role: role})
	}
	err := inTransaction(ctx, databaseURL, func(tx *sql.Tx) error {
		if _, err := insert(ctx, tx, a, with.Seal); err != nil || !with.Records {
			return err
		}
		if err := addRecords(ctx, tx, a.AccountSID); err != nil {
			return err
		}
		return addPoison(ctx, tx)
	})
	if err != nil {
		return Account{}, fmt.Errorf("make account: %w", err)
	}
	return a, nil
}

// slug returns the account's name as it stands in addresses, made unique by its ID.
func slug(a Account) string {
	words := strings.FieldsFunc(strings.ToLower(a.Name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(append(words, a.AccountSID[2:10]), "-")
}

// insert inserts an account with its users and API key, and reports whether it
// was new. An existing account is not changed.
func insert(ctx context.Context, tx *sql.Tx, a Account, seal Sealer) (isNew bool, err error) {
	var sealed []byte
	if seal != nil {
		if sealed, err = seal(a.AccountSID, []byte(a.AuthToken)); err != nil {
			return false, fmt.Errorf("seal auth token: %w", err)
		}
	}
	token := sha256.Sum256([]byte(a.AuthToken))
	result, err := tx.ExecContext(ctx, `
		insert into platform.accounts (sid, parent_sid, name, slug, balance, timezone, billing_email, billing_address, settings, created_at, updated_at,
			auth_token_sha256, auth_token_sealed, auth_token_set_at, billing_customer_ref, fraud_score)
		values ($1, nullif($2, ''), $3, $7, 49.325, 'Europe/Berlin', $4, '{"street": "12 Harbour Street", "city": "Port Quill"}', '{"recordCalls": false}',
			'2023-01-01 00:00:00+00', '2026-01-01 00:00:00+00', $5, $6, '2023-01-01 00:00:00+00', 'cus_demo', 0.125)
		on conflict (sid) do nothing`,
		a.AccountSID, a.ParentAccountSID, a.Name, a.Users[0].Email, token[:], sealed, slug(a))
	if err != nil {
		return false, fmt.Errorf("insert account: %w", err)
	}
	if rows, err := result.RowsAffected(); err != nil || rows == 0 {
		return false, err
	}
	for i, u := range a.Users {
		if _, err := tx.ExecContext(ctx, `
			insert into platform.users (sid, account_sid, email, name, phone, role, title, preferences, last_sign_in_at, last_sign_in_ip, created_at, updated_at,
				password_hash, password_changed_at, password_reset_sha256, mfa_enabled, mfa_secret, mfa_recovery_codes, support_note)
			values ($1, $2, $3, $4, '+1555020000' || $6::int, $5, null, '{"theme": "dark"}', '2026-02-01 08:00:00+00', '2001:db8::1', '2023-01-01 00:00:00+00',
				'2026-01-01 00:00:00+00', '$2a$12$' || md5($1), '2025-01-01 00:00:00+00', decode(md5($1), 'hex'), true, upper(md5('mfa' || $1)),
				array[left(md5('a' || $1), 10), left(md5('b' || $1), 10)], 'Nice on the phone.')`,
			u.ID, a.AccountSID, u.Email, u.Name, u.Role, i%10); err != nil {
			return false, fmt.Errorf("insert user: %w", err)
		}
	}
	key := sha256.Sum256([]byte(a.APIKey.Secret))
	if _, err := tx.ExecContext(ctx, `
		insert into platform.api_keys (sid, account_sid, user_sid, name, secret_sha256, created_at)
		values ($1, $2, $3, 'Demo key', $4, '2023-01-01 00:00:00+00')`,
		a.APIKey.SID, a.AccountSID, a.Users[0].ID, key[:]); err != nil {
		return false, fmt.Errorf("insert API key: %w", err)
	}
	return true, nil
}

func secret() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
