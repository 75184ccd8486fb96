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

// State is how a database's migrations compare with those of this program.
type State string

// The states. A database that lacks a migration is Older, even if it has a newer one, too.
const (
	Current State = "current"
	Never   State = "never" // migrated
	Older   State = "older"
	Newer   State = "newer"
)

// StateOf compares the database's migrations of a set with this program's. It only
// reads, so any role may call it that may read the table of applied migrations.
func StateOf(ctx context.Context, db *sql.DB, set Set) (State, error) {
	p, err := provider(db, set)
	if err != nil {
		return "", err
	}
	var exists bool
	if err := db.QueryRowContext(ctx, "select to_regclass($1) is not null", table(set)).Scan(&exists); err != nil || !exists {
		return Never, err
	}
	applied, err := appliedVersions(ctx, db, set)
	if err != nil {
		return "", err
	}
	newest := int64(0)
	for _, source := range p.ListSources() {
		if !applied[source.Version] {
			return Older, nil
		}
		newest = max(newest, source.Version)
	}
	for version := range applied {
		if version > newest {
			return Newer, nil
		}
	}
	return Current, nil
}

func appliedVersions(ctx context.Context, db *sql.DB, set Set) (map[int64]bool, error) {
	rows, err := db.QueryContext(ctx, "select version_id from "+table(set)+" where is_applied") //nolint:gosec // a constant
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // it is read to its end
	applied := make(map[int64]bool)
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil {
			return nil, err
		}
		applied[version] = true
	}
	return applied, rows.Err()
}

// table is the name of the table that holds the applied migrations of a set.
func table(set Set) string { return "public." + string(set) + "_migrations" }

func provider(db *sql.DB, set Set) (*goose.Provider, error) {
	folder, err := fs.Sub(files, string(set))
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", set, err)
	}
	versions, err := database.NewStore(database.DialectPostgres, table(set))
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
