// Package migrations brings a database to the shape this version needs.
//
// There are two sets: Satchel holds what we keep about exports and is always
// applied; Platform holds the platform's own records on one machine, where
// no separate source database is given. Each file opens with why it exists.
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

// Set is a numbered row of migrations; its name is its folder and the schema
// its tables live in.
type Set string

// The two sets.
const (
	Satchel  Set = "satchel"
	Platform Set = "platform"
)

// Apply brings the database up to date. It may run in several processes at
// once: a lock in the database lets one work and the others wait.
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

// Pending tells whether the database lacks a migration of the set.
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
