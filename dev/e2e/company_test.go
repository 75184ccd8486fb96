package e2e

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/dev/fixture"
	"satchel/dev/stack"
	"satchel/dev/testservices"
	"satchel/schema"
)

// A company's own tables, in its own database, are exported with its own catalog.
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
	catalogDir := completeCatalog(t, "testdata/company/catalog")
	host := newHost(t)
	st := fixture.ForTest(t, stack.Options{
		Env: []string{"SOURCE_DATABASE_URL=" + tables, "CATALOG_DIR=" + catalogDir, "COLLECT_RETRY_WINDOW=30s",
			"JWKS_URL=" + host.url, "JWT_ISSUER=" + issuer, "JWT_AUDIENCE=" + audience},
	})

	newCustomer := func(title string) (account string, p *httpClient, mail string) {
		account, user := schema.NewAccountID(), schema.NewUserID()
		mail = user[2:10] + "@company.example.com"
		_, err := db.Exec(`insert into customers (ac, title) values ($1, $2)`, account, title)
		require.NoError(t, err)
		_, err = db.Exec(`insert into staff values ($1, $2, $3, $4, true)`, "owner-"+user, user, account, mail)
		require.NoError(t, err)
		p = newClientOf(t, st)
		p.bearer = host.token(t, account, user)
		return account, p, mail
	}

	account, p, mail := newCustomer("Grünwald")
	_, err = db.Exec(`insert into conversations select 'c' || g, $1, 'video', g * interval '1 second', array['x', null], '2026-01-01'::timestamp + g * interval '1 hour'
		from generate_series(1, 3) g`, account)
	require.NoError(t, err)
	export := p.confirmedExport(mail)
	done := p.awaitStatus(export.ID, "completed", time.Minute)
	_, document := p.do(http.MethodGet, *done.DownloadURL, nil)
	a := parseArchive(t, document)
	require.Len(t, a.Data, len(schema.Categories))
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

	// A category that cannot be read fails the export, whose reason names the category.
	// The message of the driver is in no log and no history.
	const canary = "poison-canary-4711"
	account, p, mail = newCustomer(canary)
	export = p.confirmedExport(mail)
	failed := p.awaitStatus(export.ID, "failed", time.Minute)
	require.Equal(t, schema.ReasonFailed("notifications"), *failed.Reason)
	settings := p.link(mail, "/settings/", export.RequestedAt)
	require.NotEmpty(t, settings)
	open := 0
	require.NoError(t, db.QueryRow(`select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`).Scan(&open))
	require.Zero(t, open, "no transaction is left open")
	for place, text := range logs(t, st) {
		require.NotContains(t, string(text), canary, place)
	}
	hasCode := false
	for id, history := range histories(t, st) {
		require.NotContains(t, string(history), canary, id)
		hasCode = hasCode || strings.Contains(string(history), "SQLSTATE 22P02")
	}
	require.True(t, hasCode, "a history has the SQLSTATE")
	res, body := p.do(http.MethodPost, "/v1/account/exports", nil)
	require.Equal(t, http.StatusAccepted, res.StatusCode, "another export can be requested after a failed one: %s", body)
	require.True(t, strings.Contains(string(body), account))
}

// completeCatalog copies a catalog to a temporary directory and adds a query
// without rows for each category that it lacks.
func completeCatalog(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(from)))
	empty, err := os.ReadFile(filepath.Join(from, "flows.sql"))
	require.NoError(t, err)
	for _, category := range schema.Categories {
		path := filepath.Join(dir, string(category)+".sql")
		if _, err := os.Stat(path); os.IsNotExist(err) {
			require.NoError(t, os.WriteFile(path, empty, 0o600))
		}
	}
	return dir
}
