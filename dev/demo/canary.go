package demo

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/lib/pq"

	"satchel/schema/catalog"
)

// Canaries adds the records of records.sql to an account and writes unique strings
// into all its records. It returns them: secrets are in columns that must not be
// exported and in scrubbed calls, and must not appear anywhere; personal ones are
// names, phone numbers and addresses in exported columns, and may appear in the
// archive only. The account's credentials keep working: their hashes, as stored, are
// among the secrets.
func Canaries(ctx context.Context, databaseURL, account string) (secrets, personal []string, err error) {
	err = inTransaction(ctx, databaseURL, func(tx *sql.Tx) error {
		if err := addRecords(ctx, tx, account); err != nil {
			return err
		}
		p := planter{ctx, tx, account}
		if secrets, err = p.secrets(); err != nil {
			return err
		}
		personal, err = p.personal()
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("plant canaries: %w", err)
	}
	return secrets, personal, nil
}

// hidden lists columns that must not be exported and whose names do not look secret.
var hidden = map[string]bool{
	"accounts.billing_customer_ref": true,
	"users.support_note":            true,
	"voip_providers.username":       true,
	"flows.compiled":                true,
	"campaigns.dialer_state":        true,
	"calls.carrier_route":           true,
	"calls_archive.carrier_route":   true,
	"messages.carrier_route":        true,
	"messages.content_scan":         true,
	"conferences.media_server":      true,
	"participants.label":            true,
	"participants.media_server":     true,
	"charges.processor_response":    true,
	"notifications.provider_ref":    true,
	"call_schedules.dispatcher":     true,
}

// shown lists exported columns with personal data. The account's name and its users'
// e-mail addresses are missing: e-mails may contain those.
var shown = []struct{ table, column, value string }{
	{"accounts", "billing_email", anEmail},
	{"accounts", "billing_address", anAddress},
	{"users", "name", aName},
	{"users", "phone", aPhone},
	{"contacts", "name", aName},
	{"contacts", "given_name", aName},
	{"contacts", "family_name", aName},
	{"contacts", "phone", aPhone},
	{"contacts", "email", anEmail},
	{"contacts", "company", aName},
	{"contacts", "address", anAddress},
	{"contacts", "custom_fields", anAddress},
	{"contacts", "notes", aName},
	{"calls", "from_number", aPhone},
	{"calls", "to_number", aPhone},
	{"calls", "forwarded_from", aPhone},
	{"calls", "caller_name", aName},
	{"calls", "metadata", anAddress},
	{"calls", "sip_headers", anAddress},
	{"phone_numbers", "phone_number", aPhone},
	{"phone_numbers", "friendly_name", aName},
	{"phone_numbers", "emergency_address", anAddress},
	{"flows", "definition", anAddress},
	{"campaigns", "script", aName},
	{"notifications", "destination", anEmail},
	{"notifications", "body", aName},
}

const (
	aName     = "Canary Quillfeather %s"
	aPhone    = "+1555%s"
	anEmail   = "canary.%s@example.com"
	anAddress = `{"street": "%s Canary Street"}`
)

// planter writes canaries into the records of one account.
type planter struct {
	ctx     context.Context
	tx      *sql.Tx
	account string
}

func (p planter) secrets() ([]string, error) {
	rows, err := p.tx.QueryContext(p.ctx, `
		select c.relname, a.attname, format_type(a.atttypid, null)
		from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relnamespace = 'platform'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
		order by 1, 2`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	type column struct{ table, name, databaseType string }
	var columns []column
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.table, &c.name, &c.databaseType); err != nil {
			return nil, err
		}
		if catalog.LooksSecret(c.name) || hidden[c.table+"."+c.name] {
			columns = append(columns, c)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var planted []string
	for _, c := range columns {
		canary := "canary-secret-" + c.table + "-" + c.name + "-" + digits(12)
		var err error
		switch c.databaseType {
		case "text":
			err = p.plant(c.table, c.name, canary)
		case "text[]":
			err = p.plant(c.table, c.name, pq.Array([]string{canary}))
		case "json", "jsonb":
			err = p.plant(c.table, c.name, fmt.Sprintf(`{"canary": %q}`, canary))
		case "bytea":
			var found []string
			found, err = p.plantBytes(c.table, c.name, canary)
			planted = append(planted, found...)
		default:
			continue // too small to hold a canary
		}
		if err != nil {
			return nil, err
		}
		if c.databaseType != "bytea" {
			planted = append(planted, canary)
		}
	}
	scrubbed := "canary-secret-scrubbed-" + digits(12)
	for _, table := range []string{"calls", "calls_archive"} {
		if _, err := p.tx.ExecContext(p.ctx, `update platform.`+table+` set from_number = $2, to_number = $2, caller_name = $2, metadata = to_jsonb($2::text)
			where account_sid = $1 and pii_scrubbed_at is not null`, p.account, scrubbed); err != nil {
			return nil, err
		}
	}
	return append(planted, scrubbed), nil
}

func (p planter) personal() ([]string, error) {
	var planted []string
	for _, s := range shown {
		canary := digits(7)
		if s.value != aPhone {
			canary += digits(5)
		}
		value := fmt.Sprintf(s.value, canary)
		if err := p.plant(s.table, s.column, value); err != nil {
			return nil, err
		}
		if s.value == anAddress {
			value = canary + " Canary Street"
		}
		planted = append(planted, value)
	}
	return planted, nil
}

// plant writes the value into a column of all rows of the account.
func (p planter) plant(table, column string, value any) error {
	_, err := p.tx.ExecContext(p.ctx, fmt.Sprintf("update platform.%s set %s = $2 where %s", table, column, p.rows(table)), p.account, value)
	return err
}

// plantBytes writes the canary into a column where it holds less than 16 bytes, and
// returns all values that it then holds, in the encodings in which they may
// appear.
func (p planter) plantBytes(table, column, canary string) ([]string, error) {
	rows, err := p.tx.QueryContext(p.ctx, fmt.Sprintf("update platform.%s set %s = case when length(%[2]s) < 16 or %[2]s is null then $2 else %[2]s end where %s returning %[2]s",
		table, column, p.rows(table)), p.account, []byte(canary))
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	var held []string
	for rows.Next() {
		var value []byte
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		held = append(held, hex.EncodeToString(value), strings.TrimRight(base64.StdEncoding.EncodeToString(value), "="))
	}
	slices.Sort(held)
	return slices.Compact(held), rows.Err()
}

// rows returns the condition that selects the account's rows in a table. Scrubbed calls
// are not among them.
func (p planter) rows(table string) string {
	switch table {
	case "accounts":
		return "sid = $1"
	case "calls", "calls_archive":
		return "account_sid = $1 and pii_scrubbed_at is null"
	default:
		return "account_sid = $1"
	}
}

// digits returns n random decimal digits.
func digits(n int) string {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	i, err := rand.Int(rand.Reader, most)
	if err != nil {
		panic(err) // impossible since Go 1.24
	}
	return fmt.Sprintf("%0*d", n, i)
}
