package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/stack"
	"satchel/dev/testservices"
	"satchel/schema"
)

// A company's own tables, in its own database, exported by its own catalog.
func TestACompanyExportsItsOwnTables(t *testing.T) {
	t.Parallel()
	tables := testservices.EmptyDatabase(t)
	db, err := sql.Open("postgres", tables)
	require.NoError(t, err)
	defer db.Close()
	script, err := os.ReadFile("testdata/company/schema.sql")
	require.NoError(t, err)
	_, err = db.Exec(string(script))
	require.NoError(t, err)
	catalogDir, err := filepath.Abs("testdata/company/catalog")
	require.NoError(t, err)
	host := newHost(t)
	st, err := stack.Start(context.Background(), stack.Options{
		Dir: t.TempDir(),
		Env: []string{"SOURCE_DATABASE_URL=" + tables, "CATALOG_DIR=" + catalogDir, "COLLECT_PATIENCE=4s",
			"JWKS_URL=" + host.url, "JWT_ISSUER=" + issuer, "JWT_AUDIENCE=" + audience},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, st.Stop()) }()

	customer := func(title string) (account string, p *person, mail string) {
		account, user := schema.NewAccountID(), schema.NewUserID()
		mail = user[2:10] + "@company.example.com"
		_, err := db.Exec(`insert into customers (ac, title) values ($1, $2)`, account, title)
		require.NoError(t, err)
		_, err = db.Exec(`insert into staff values ($1, $2, $3, $4, true)`, "boss-"+user, user, account, mail)
		require.NoError(t, err)
		p = visit(t, st)
		p.bearer = host.token(t, account, user)
		return account, p, mail
	}

	account, p, mail := customer("Grünwald")
	_, err = db.Exec(`insert into conversations select 'c' || g, $1, 'video', g * interval '1 second', array['x', null], '2026-01-01'::timestamp + g * interval '1 hour'
		from generate_series(1, 3) g`, account)
	require.NoError(t, err)
	export := p.confirmed(mail)
	done := p.await(export.ID, "completed", time.Minute)
	_, document := p.do(http.MethodGet, *done.DownloadURL, nil)
	a := parse(t, document)
	require.Len(t, a.Data, 12)
	require.JSONEq(t, `[
		{"id": "c1", "kind": "video", "length": "00:00:01", "tags": ["x", null], "startedAt": "2026-01-01T01:00:00Z"},
		{"id": "c2", "kind": "video", "length": "00:00:02", "tags": ["x", null], "startedAt": "2026-01-01T02:00:00Z"},
		{"id": "c3", "kind": "video", "length": "00:00:03", "tags": ["x", null], "startedAt": "2026-01-01T03:00:00Z"}]`, string(a.Data["calls"]))
	require.JSONEq(t, "[]", string(a.Data["flows"]))
	var described struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	p.json(http.MethodGet, "/schemas/account-export-1.0.json", http.StatusOK, &described)
	require.Contains(t, string(described.Defs["calls"]), "startedAt")

	// A category that cannot be read fails the export and names itself, and what the driver said of it stays inside.
	const canary = "poison-canary-4711"
	account, p, mail = customer(canary)
	export = p.confirmed(mail)
	failed := p.await(export.ID, "failed", time.Minute)
	require.Equal(t, schema.FailedReason("notifications"), *failed.Reason)
	told := p.link(mail, "/settings/", export.RequestedAt)
	require.NotEmpty(t, told)
	stored := 0
	require.NoError(t, db.QueryRow(`select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`).Scan(&stored))
	require.Zero(t, stored, "no transaction is left open")
	for place, text := range logs(t, st) {
		require.NotContains(t, string(text), canary, place)
	}
	said := false
	for id, history := range histories(t, st) {
		require.NotContains(t, string(history), canary, id)
		said = said || strings.Contains(string(history), "SQLSTATE 22P02")
	}
	require.True(t, said, "operators are told the code")
	res, body := p.do(http.MethodPost, "/v1/account/exports", nil)
	require.Equal(t, http.StatusAccepted, res.StatusCode, "a failed export leaves the account free: %s", body)
	require.True(t, strings.Contains(string(body), account))
}
