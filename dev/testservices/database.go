package testservices

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/lib/pq" // the driver

	"satchel/dev/services"
	"satchel/schema/migrations"
)

const template = "template_migrated"

var (
	postgres = shared(func(ctx context.Context, dir string, port int) (*services.Postgres, *services.Service, error) {
		pg, err := services.NewPostgres(services.PostgresOptions{
			Dir: filepath.Join(dir, "postgres"), Log: filepath.Join(dir, "postgres.log"), Port: port, Password: "satchel", Volatile: true,
		})
		if err != nil {
			return nil, nil, err
		}
		return pg, pg.Service, pg.Start(ctx)
	})

	migrated = sync.OnceValue(func() error {
		pg, err := postgres()
		if err != nil {
			return err
		}
		if err := pg.EnsureDatabase(context.Background(), template); err != nil {
			return err
		}
		return migrations.Apply(context.Background(), pg.URL(template), migrations.Satchel, migrations.Platform)
	})

	// admin keeps its connections: a new one costs Postgres as much as creating a database.
	admin = sync.OnceValues(func() (*sql.DB, error) {
		pg, err := postgres()
		if err != nil {
			return nil, err
		}
		return sql.Open("postgres", pg.URL("postgres"))
	})

	databases atomic.Int64
)

// Database creates a database with all migrations, ours and the platform's, and
// returns its URL. It is dropped when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	if err := migrated(); err != nil {
		t.Fatal(err)
	}
	return create(t, " template "+template)
}

// EmptyDatabase creates an empty database and returns its URL. It is dropped when
// the test ends.
func EmptyDatabase(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

func create(t testing.TB, options string) string {
	t.Helper()
	pg, err := postgres()
	if err != nil {
		t.Fatal(err)
	}
	db, err := admin()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if _, err := db.Exec("create database " + name + options); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("drop database " + name + " with (force)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return pg.URL(name)
}
