package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities/mail"
	"satchel/activities/program"
	"satchel/activities/vault"
	"satchel/dev/services"
	"satchel/dev/testservices"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/schema/store/source"
)

func TestTheWorkerStartsBehindNoPoolerThatSharesConnections(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	keyset := filepath.Join(t.TempDir(), "keyset.json")
	require.NoError(t, vault.WriteDevelopmentKeyset(keyset))
	port, err := services.FreePort()
	require.NoError(t, err)
	direct := testservices.Database(t)
	pooled := testservices.Pooler(t, direct, "transaction", "")
	command := runCommand{
		Data:  program.Data{Database: program.Database{DatabaseURL: direct}, SourceDatabaseURL: direct, Vault: vault.Config{Bucket: "satchel", Endpoint: "http://127.0.0.1:1", KeysetFile: keyset}},
		Links: program.Links{LinkKey: schema.NewDevelopmentLinkKey(), PublicBaseURL: "http://localhost:8080"}, Dev: true, Concurrency: 1, StepsAtOnce: 1, ErasuresAtOnce: 1,
		Mail:           mail.Config{APIKey: "re_test", BaseURL: "http://127.0.0.1:1", From: "exports@example.com"},
		MetricsAddress: services.Loopback(port), ArchiveDatabaseURL: direct,
	}
	for setting, spoil := range map[string]func(*runCommand){
		"DATABASE_URL leads to a pooler":         func(r *runCommand) { r.DatabaseURL = pooled },
		"SOURCE_DATABASE_URL leads to a pooler":  func(r *runCommand) { r.SourceDatabaseURL = pooled },
		"ARCHIVE_DATABASE_URL leads to a pooler": func(r *runCommand) { r.ArchiveDatabaseURL = pooled },
	} {
		r := command
		spoil(&r)
		require.ErrorContains(t, r.Run(t.Context(), slog.New(slog.DiscardHandler)), setting)
	}
	migrate := migrateCommand{Database: program.Database{DatabaseURL: pooled}}
	require.ErrorContains(t, migrate.Run(t.Context(), slog.New(slog.DiscardHandler)), "DATABASE_URL leads to a pooler")
}

func TestReadinessNamesAPoolerThatSharesConnections(t *testing.T) {
	pooled := testservices.Pooler(t, testservices.Database(t), "transaction", "")
	own, err := store.Open(pooled, 2)
	require.NoError(t, err)
	defer own.Close() //nolint:errcheck // nothing is lost
	platform, err := source.Open(t.Context(), pooled, 2)
	require.NoError(t, err)
	defer platform.Close() //nolint:errcheck // nothing is lost
	ready := program.NewReadiness(slog.New(slog.DiscardHandler), []program.Check{
		{Part: program.PartDatabase, Run: own.Ready}, {Part: program.PartSourceDatabase, Run: platform.Ready},
	})
	answer := httptest.NewRecorder()
	ready.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	require.Contains(t, answer.Body.String(), `"sourceDatabase":"wrong"`)
	require.Contains(t, answer.Body.String(), `"database":"DATABASE_URL leads to a pooler in transaction mode`)
	require.Contains(t, answer.Body.String(), `"sourceDatabase":"SOURCE_DATABASE_URL leads to a pooler in transaction mode`)
}
