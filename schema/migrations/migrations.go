// Package migrations migrates a database to this version's schema.
//
// There are two sets: Satchel creates the tables of exports and is always
// applied; Platform creates sample tables of the platform, for development and
// tests. Each file begins with a comment that says why it exists.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

//go:embed satchel/*.sql platform/*.sql
var files embed.FS

// Set is a series of numbered migrations. Its name is that of its folder and of
// the schema that holds its tables.
type Set string

// The sets.
const (
	Satchel  Set = "satchel"
	Platform Set = "platform"
)

// Apply applies the pending migrations of the sets. Several processes may
// call it at once: a lock in the database makes the others wait.
func Apply(ctx context.Context, databaseURL string, sets ...Set) error {
	connector, err := pq.NewConnector(databaseURL)
	if err != nil {
		return errors.New("DATABASE_URL is not a PostgreSQL URL") // the cause may hold the password
	}
	db := sql.OpenDB(connector)
	defer db.Close() //nolint:errcheck // nothing is lost by it
	for _, set := range sets {
		p, err := provider(db, set)
		if err != nil {
			return err
		}
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate %s: %w", set, err)
		}
	}
	return nil
}

// Pending reports whether the database lacks a migration of the set.
func Pending(ctx context.Context, db *sql.DB, set Set) (bool, error) {
	p, err := provider(db, set)
	if err != nil {
		return false, err
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("look for migrations of %s: %w", set, err)
	}
	return pending, nil
}

func provider(db *sql.DB, set Set) (*goose.Provider, error) {
	folder, err := fs.Sub(files, string(set))
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", set, err)
	}
	versions, err := database.NewStore(database.DialectPostgres, "public."+string(set)+"_migrations")
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", set, err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", set, err)
	}
	p, err := goose.NewProvider("", db, folder, goose.WithStore(versions), goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", set, err)
	}
	return p, nil
}
