package demo

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"

	"satchel/schema"
)

// accountSpec describes a demo account. Its IDs and secrets are derived from its
// slug, so that they are the same on every machine.
type accountSpec struct {
	slug, parent, name string
	users              []userSpec
	records            bool                      // the edge cases of records.sql
	rows               map[schema.Category]int64 // generated ones, by Fill's statements
}

type userSpec struct {
	slug, name, email string
	role              schema.Role
}

var accountSpecs = []accountSpec{
	{
		slug: "bakery", name: "Marlowe & Daughters Bakery", records: true,
		users: []userSpec{
			{"ada", "Ada Marlowe", "ada@marlowe.example.com", schema.Owner},
			{"bo", "Bo Ångström", "bo@marlowe.example.com", schema.Admin},
			{"cleo", "Cleo Marlowe", "cleo@marlowe.example.com", schema.Member},
		},
		rows: map[schema.Category]int64{"calls": 40, "contacts": 12, "charges": 20, "balanceTransactions": 20, "notifications": 6},
	},
	{
		slug: "harbour", name: "Harbour Line Group",
		users: []userSpec{
			{"dara", "Dara Okafor", "dara@harbourline.example.com", schema.Owner},
			{"eli", "Eli Brandt", "eli@harbourline.example.com", schema.Admin},
		},
		rows: busyRows(),
	},
	{
		slug: "ferries", parent: "harbour", name: "Harbour Line Ferries",
		users: []userSpec{{"fen", "Fen Castellanos", "fen@ferries.example.com", schema.Owner}},
		rows:  busyRows(),
	},
	{
		slug: "freight", parent: "harbour", name: "Harbour Line Freight",
		users: []userSpec{
			{"gus", "Gus Lindqvist", "gus@freight.example.com", schema.Owner},
			{"hana", "Hana Mori", "hana@freight.example.com", schema.Member},
		},
		rows: busyRows(),
	},
	{
		slug: "clinic", name: "Willow Street Clinic",
		users: []userSpec{
			{"ines", "Ines Duarte", "ines@willow.example.com", schema.Owner},
			{"jo", "Jo Whitfield", "jo@willow.example.com", schema.Member},
		},
		rows: busyRows(),
	},
	{
		slug: "start", name: "Kestrel Bicycles",
		users: []userSpec{{"kim", "Kim Sørensen", "kim@kestrel.example.com", schema.Owner}},
	},
}

// busyRows returns a few rows of each category that can be filled, except users:
// those are in the spec.
func busyRows() map[schema.Category]int64 {
	rows := map[schema.Category]int64{}
	for _, category := range Fillable() {
		rows[category] = 3
	}
	delete(rows, "users")
	maps.Copy(rows, map[schema.Category]int64{
		"contacts": 30, "calls": 120, "charges": 60, "balanceTransactions": 60, "notifications": 10,
		"phoneNumbers": 4, "voipProviders": 1, "callSchedules": 2, "campaigns": 2,
	})
	return rows
}

func (s accountSpec) account() Account {
	a := Account{
		AccountSID: s.id("AC"), AuthToken: s.id("", "auth token"), Name: s.name,
		APIKey: APIKey{SID: s.id("SK"), Secret: s.id("", "key")},
	}
	if s.parent != "" {
		a.ParentAccountSID = accountSpec{slug: s.parent}.id("AC")
	}
	for _, p := range s.users {
		a.Users = append(a.Users, User{ID: s.id("US", p.slug), Name: p.name, Email: p.email, Role: p.role})
	}
	return a
}

// id derives an ID, or without a prefix a secret, from the slug and more words.
func (s accountSpec) id(prefix string, more ...string) string {
	h := sha256.New()
	h.Write([]byte("satchel demo " + s.slug + " " + prefix))
	for _, word := range more {
		h.Write([]byte(" " + word))
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:16])
}

// insertRecords inserts the records of a new account.
func (s accountSpec) insertRecords(ctx context.Context, tx *sql.Tx, account string) error {
	if s.records {
		if err := addRecords(ctx, tx, account); err != nil {
			return err
		}
	}
	for _, category := range schema.Categories {
		if s.rows[category] == 0 {
			continue
		}
		if err := insertRows(ctx, tx, account, category, s.rows[category]); err != nil {
			return err
		}
	}
	if s.rows == nil {
		return nil
	}
	return s.insertDayRecords(ctx, tx, account)
}

// backfill adds what bulk exports need to an account that was loaded before they
// existed.
func (s accountSpec) backfill(ctx context.Context, tx *sql.Tx, a Account, seal Sealer) error {
	var sealed, hasDays bool
	if err := tx.QueryRowContext(ctx, `select auth_token_sealed is not null, exists (select from platform.messages m where m.account_sid = a.sid)
		from platform.accounts a where a.sid = $1`, a.AccountSID).Scan(&sealed, &hasDays); err != nil {
		return err
	}
	if !sealed && seal != nil {
		token, err := seal(a.AccountSID, []byte(a.AuthToken))
		if err != nil {
			return fmt.Errorf("seal auth token: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `update platform.accounts set auth_token_sealed = $2 where sid = $1`, a.AccountSID, token); err != nil {
			return fmt.Errorf("store auth token: %w", err)
		}
	}
	if hasDays || s.rows == nil {
		return nil
	}
	return s.insertDayRecords(ctx, tx, a.AccountSID)
}
