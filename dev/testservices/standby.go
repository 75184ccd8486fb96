package testservices

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"satchel/dev/services"
)

// Standby starts a hot standby of the Postgres that Database makes its databases in,
// and stops it when the test ends. It asks an idle primary every second for the end
// of its WAL, so that tests need not wait for half a minute.
func Standby(t testing.TB) *services.Postgres {
	t.Helper()
	primary, err := postgres()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	dir, err := tempDir()
	if err != nil {
		t.Fatal(err)
	}
	port, err := services.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	standby, err := services.NewStandby(services.PostgresOptions{
		Dir: filepath.Join(dir, "postgres"), Log: filepath.Join(dir, "postgres.log"), Port: port, Volatile: true,
		Settings: map[string]string{"hot_standby": "on", "wal_receiver_timeout": "2s"},
	}, primary)
	if err == nil {
		err = standby.Start(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Errorf("stop the standby: %v", err)
		}
	})
	return standby
}
