package demo

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"

	"satchel/schema"
)

// story is a demo account as it is told here; its IDs and secrets follow from
// its slug, so that they are the same on every machine.
type story struct {
	slug, parent, name string
	people             []person
	records            bool                      // those of records.sql
	rows               map[schema.Category]int64 // plain ones beside them
}

type person struct {
	slug, name, email string
	role              schema.Role
}

var stories = []story{
	{
		slug: "bakery", name: "Marlowe & Daughters Bakery", records: true,
		people: []person{
			{"ada", "Ada Marlowe", "ada@marlowe.example.com", schema.Owner},
			{"bo", "Bo Ångström", "bo@marlowe.example.com", schema.Admin},
			{"cleo", "Cleo Marlowe", "cleo@marlowe.example.com", schema.Member},
		},
		rows: map[schema.Category]int64{"calls": 40, "contacts": 12, "charges": 20, "balanceTransactions": 20, "notifications": 6},
	},
	{
		slug: "harbour", name: "Harbour Line Group",
		people: []person{
			{"dara", "Dara Okafor", "dara@harbourline.example.com", schema.Owner},
			{"eli", "Eli Brandt", "eli@harbourline.example.com", schema.Admin},
		},
		rows: busy,
	},
	{
		slug: "ferries", parent: "harbour", name: "Harbour Line Ferries",
		people: []person{{"fen", "Fen Castellanos", "fen@ferries.example.com", schema.Owner}},
		rows:   busy,
	},
	{
		slug: "freight", parent: "harbour", name: "Harbour Line Freight",
		people: []person{
			{"gus", "Gus Lindqvist", "gus@freight.example.com", schema.Owner},
			{"hana", "Hana Mori", "hana@freight.example.com", schema.Member},
		},
		rows: busy,
	},
	{
		slug: "clinic", name: "Willow Street Clinic",
		people: []person{
			{"ines", "Ines Duarte", "ines@willow.example.com", schema.Owner},
			{"jo", "Jo Whitfield", "jo@willow.example.com", schema.Member},
		},
		rows: busy,
	},
	{
		slug: "start", name: "Kestrel Bicycles",
		people: []person{{"kim", "Kim Sørensen", "kim@kestrel.example.com", schema.Owner}},
	},
}

var busy = map[schema.Category]int64{
	"contacts": 30, "calls": 120, "flows": 3, "phoneNumbers": 4, "voipProviders": 1, "callSchedules": 2,
	"campaigns": 2, "charges": 60, "balanceTransactions": 60, "notifications": 10,
}

func (s story) account() Account {
	a := Account{
		AccountSID: s.id("AC"), AuthToken: s.id("", "auth token"), Name: s.name,
		APIKey: APIKey{SID: s.id("SK"), Secret: s.id("", "key")},
	}
	if s.parent != "" {
		a.ParentAccountSID = story{slug: s.parent}.id("AC")
	}
	for _, p := range s.people {
		a.Users = append(a.Users, User{ID: s.id("US", p.slug), Name: p.name, Email: p.email, Role: p.role})
	}
	return a
}

// id makes the ID, or with no prefix the secret, of something in the story.
func (s story) id(prefix string, of ...string) string {
	h := sha256.New()
	h.Write([]byte("satchel demo " + s.slug + " " + prefix))
	for _, o := range of {
		h.Write([]byte(" " + o))
	}
	return prefix + hex.EncodeToString(h.Sum(nil)[:16])
}

// tell writes the account's records.
func (s story) tell(ctx context.Context, tx *sql.Tx, account string) error {
	if s.records {
		if err := addRecords(ctx, tx, account); err != nil {
			return err
		}
	}
	for _, category := range schema.Categories {
		if s.rows[category] == 0 {
			continue
		}
		f, err := reserve(ctx, tx, account, category, s.rows[category])
		if err != nil {
			return err
		}
		if err := f.insert(ctx, tx, f.first, f.last); err != nil {
			return err
		}
	}
	if s.rows == nil {
		return nil
	}
	return s.tellDays(ctx, tx, account)
}

// complete gives an account that was loaded before there were bulk exports what
// they need.
func (s story) complete(ctx context.Context, tx *sql.Tx, a Account, seal Sealer) error {
	var sealed, told bool
	if err := tx.QueryRowContext(ctx, `select auth_token_sealed is not null, exists (select from platform.messages m where m.account_sid = a.sid)
		from platform.accounts a where a.sid = $1`, a.AccountSID).Scan(&sealed, &told); err != nil {
		return err
	}
	if !sealed && seal != nil {
		token, err := seal(a.AccountSID, []byte(a.AuthToken))
		if err != nil {
			return fmt.Errorf("seal auth token: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `update platform.accounts set auth_token_sealed = $2 where sid = $1`, a.AccountSID, token); err != nil {
			return fmt.Errorf("keep auth token: %w", err)
		}
	}
	if told || s.rows == nil {
		return nil
	}
	return s.tellDays(ctx, tx, a.AccountSID)
}
