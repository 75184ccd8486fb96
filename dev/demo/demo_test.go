package demo_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/dev/demo"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/catalog"
)

func TestMain(m *testing.M) { testservices.Main(m) }

func TestLoadingTwiceChangesNothing(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	first, err := demo.Load(context.Background(), url, randomSealer)
	require.NoError(t, err)
	before := tableTexts(t, db, "")
	second, err := demo.Load(context.Background(), url, randomSealer)
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, before, tableTexts(t, db, ""))
}

func TestOnlyTestAccountsHaveInvalidUnicode(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	d, err := demo.Load(context.Background(), url, nil)
	require.NoError(t, err)
	tested, err := demo.NewAccount(context.Background(), url, demo.With{Records: true})
	require.NoError(t, err)
	loneSurrogates := func(account string) (n int) {
		require.NoError(t, db.QueryRow(`select count(*) from platform.flows where account_sid = $1
			and definition::text ~* '\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])'`, account).Scan(&n))
		return n
	}
	require.Equal(t, 1, loneSurrogates(tested.AccountSID))
	for _, a := range d.Accounts {
		require.Zero(t, loneSurrogates(a.AccountSID), a.Name)
	}
}

func TestDemoAccountsAreAsDocumented(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	d, err := demo.Load(context.Background(), url, nil)
	require.NoError(t, err)
	small, parent, clinic, start := d.Accounts[0], d.Accounts[1], d.Accounts[4], d.Accounts[5]

	for _, role := range []schema.Role{schema.Owner, schema.Admin, schema.Member} {
		require.NotEmpty(t, small.As(role).Email)
	}
	requireEveryCategory(t, counts(t, db, small.AccountSID))
	for _, sub := range d.Accounts[2:4] {
		require.Equal(t, parent.AccountSID, sub.ParentAccountSID)
	}
	require.NotEmpty(t, clinic.As(schema.Owner))
	require.NotEmpty(t, clinic.As(schema.Member))
	empty := 0
	for _, records := range counts(t, db, start.AccountSID) {
		if records == 0 {
			empty++
		}
	}
	require.Equal(t, len(schema.Categories)-2, empty, "all but the account and its user")
	for _, a := range d.Accounts {
		require.True(t, schema.IsAccountID(a.AccountSID))
		require.Regexp(t, `^[0-9a-f]{32}$`, a.AuthToken)
		require.Regexp(t, `^SK[0-9a-f]{32}$`, a.APIKey.SID)
		for _, u := range a.Users {
			require.True(t, schema.IsUserID(u.ID))
			require.True(t, strings.HasSuffix(u.Email, ".example.com"))
		}
	}
}

func TestTheJSONOfDemoHasTheDocumentedKeys(t *testing.T) {
	d, err := demo.Load(context.Background(), testservices.Database(t), nil)
	require.NoError(t, err)
	text, err := json.Marshal(d.At("http://localhost:8080"))
	require.NoError(t, err)
	var read map[string][]map[string]any
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, map[string]any{
		"accountSid":       d.Accounts[2].AccountSID,
		"authToken":        d.Accounts[2].AuthToken,
		"parentAccountSid": d.Accounts[1].AccountSID,
		"name":             "Harbour Line Ferries",
		"users": []any{map[string]any{
			"email": "fen@ferries.example.com", "role": "owner",
			"signInUrl": "http://localhost:8080/dev/sign-in?user=" + d.Accounts[2].Users[0].ID,
		}},
		"apiKey": map[string]any{"sid": d.Accounts[2].APIKey.SID, "secret": d.Accounts[2].APIKey.Secret},
	}, read["accounts"][2])
	require.Empty(t, d.Accounts[2].Users[0].SignInURL, "At works on a copy")
}

func TestNewAccountsShareNothing(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	a, err := demo.NewAccount(context.Background(), url, demo.With{Admin: true, Member: true, Records: true, Seal: randomSealer})
	require.NoError(t, err)
	before := tableTexts(t, db, a.AccountSID)
	b, err := demo.NewAccount(context.Background(), url, demo.With{Name: "Sub", Parent: a.AccountSID, Records: true})
	require.NoError(t, err)
	require.Len(t, a.Users, 3)
	require.Len(t, b.Users, 1)
	require.Equal(t, before, tableTexts(t, db, a.AccountSID))
	require.NotEqual(t, a.AuthToken, b.AuthToken)
	requireEveryCategory(t, counts(t, db, b.AccountSID))
}

func TestSecretsAreNotExported(t *testing.T) {
	url := testservices.Database(t)
	db := open(t, url)
	a, err := demo.NewAccount(context.Background(), url, demo.With{Admin: true, Seal: randomSealer})
	require.NoError(t, err)
	require.NoError(t, demo.Fill(context.Background(), url, a.AccountSID, map[schema.Category]int64{"voipProviders": 3, "calls": 3}, nil))
	secrets, personal, err := demo.Canaries(context.Background(), url, a.AccountSID)
	require.NoError(t, err)

	var archive strings.Builder
	c, err := catalog.Embedded()
	require.NoError(t, err)
	for _, category := range schema.Categories {
		archive.WriteString(strings.Join(list(t, db, "select row_to_json(r) from ("+c.Query(category)+") r", a.AccountSID), "\n"))
	}
	for _, s := range secrets {
		require.NotContains(t, archive.String(), s)
	}
	for _, p := range personal {
		require.Contains(t, archive.String(), p)
	}
	require.NotContains(t, archive.String(), a.AuthToken)
	require.NotContains(t, archive.String(), a.APIKey.SID)

	everything := fmt.Sprint(tableTexts(t, db, a.AccountSID))
	for _, s := range secrets {
		if strings.HasPrefix(s, "canary-secret-") {
			require.Contains(t, everything, s, "the canary was planted")
		}
	}
	for _, column := range []string{"users.password_hash", "users.mfa_secret", "users.mfa_recovery_codes", "voip_providers.password", "voip_providers.username"} {
		planted := "canary-secret-" + strings.ReplaceAll(column, ".", "-")
		require.True(t, slices.ContainsFunc(secrets, func(s string) bool { return strings.HasPrefix(s, planted) }), column)
	}
}

// requireEveryCategory fails the test unless there are records in every category
// that can be filled, and the account itself.
func requireEveryCategory(t *testing.T, records map[schema.Category]int64) {
	t.Helper()
	require.NotZero(t, records["account"])
	for _, category := range demo.Fillable() {
		require.NotZero(t, records[category], category)
	}
}

// randomSealer is a Sealer whose output differs each time, like that of encryption.
func randomSealer(_ string, token []byte) ([]byte, error) {
	sealed := make([]byte, 2*len(token))
	_, err := rand.Read(sealed)
	return sealed, err
}

func open(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// counts returns how many records of each category an export would hold.
func counts(t testing.TB, db *sql.DB, account string) map[schema.Category]int64 {
	t.Helper()
	c, err := catalog.Embedded()
	require.NoError(t, err)
	all := map[schema.Category]int64{}
	for _, category := range schema.Categories {
		var n int64
		require.NoError(t, db.QueryRow("select count(*) from ("+c.Query(category)+") r", account).Scan(&n))
		all[category] = n
	}
	return all
}

// tableTexts returns all rows of the platform's tables as text, of one account or, if
// it is "", of all.
func tableTexts(t testing.TB, db *sql.DB, account string) []string {
	t.Helper()
	var texts []string
	for _, table := range list(t, db, "select relname from pg_class where relnamespace = 'platform'::regnamespace and relkind = 'r' order by 1") {
		owner := "account_sid"
		if table == "accounts" {
			owner = "sid"
		}
		texts = append(texts, list(t, db, "select r::text from platform."+table+" r where $1 in ('', "+owner+") order by sid", account)...)
	}
	return texts
}

func list(t testing.TB, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // read to its end
	var all []string
	for rows.Next() {
		var one string
		require.NoError(t, rows.Scan(&one))
		all = append(all, one)
	}
	require.NoError(t, rows.Err())
	return all
}
