package testservices

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"satchel/dev/services"
)

// Pooler starts a pgbouncer for this test in front of the database at databaseURL, which
// Database or EmptyDatabase returned, and returns its URL. The mode is session,
// transaction or statement; settings are further lines of its configuration.
func Pooler(t testing.TB, databaseURL, mode, settings string) string {
	t.Helper()
	pg, err := postgres()
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := tempDir()
	if err != nil {
		t.Fatal(err)
	}
	port, err := services.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	pooler, err := services.NewPooler(services.PoolerOptions{
		Dir: filepath.Join(dir, "pgbouncer"), Log: filepath.Join(dir, "pgbouncer.log"), Port: port, Mode: mode, Settings: settings, Postgres: pg,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := pooler.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pooler.Stop(); err != nil {
			t.Errorf("stop pgbouncer: %v", err)
		}
	})
	return pooler.URL(strings.TrimPrefix(at.Path, "/"))
}
