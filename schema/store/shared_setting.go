package store

import (
	"context"
	"database/sql"
	"errors"

	"satchel/schema/store/sqlstate"
)

// SharedSetting is a setting that worker and server must agree on.
type SharedSetting string

// The shared settings.
const (
	SharedLinkKey       SharedSetting = "link key"
	SharedDeploymentKey SharedSetting = "deployment key"
	SharedCatalog       SharedSetting = "catalog"
)

// SharedKey returns what a worker recorded about a key, or nil if none has.
func (db *DB) SharedKey(ctx context.Context, name SharedSetting) (value []byte, err error) {
	err = db.pool.GetContext(ctx, &value, `select value from satchel.shared_settings where name = $1`, name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return value, sqlstate.WrapContext(ctx, "read shared setting", err)
}

// RecordSharedKey records a key unless one is recorded already.
func (db *DB) RecordSharedKey(ctx context.Context, name SharedSetting, value []byte) error {
	_, err := db.pool.ExecContext(ctx, `insert into satchel.shared_settings (name, value) values ($1, $2) on conflict do nothing`, name, value)
	return sqlstate.WrapContext(ctx, "record shared setting", err)
}

// ReplaceSharedKey replaces what is recorded about a key, if it is still old.
func (db *DB) ReplaceSharedKey(ctx context.Context, name SharedSetting, old, value []byte) error {
	_, err := db.pool.ExecContext(ctx, `update satchel.shared_settings set value = $3, used_at = clock_timestamp() where name = $1 and value = $2`, name, old, value)
	return sqlstate.WrapContext(ctx, "replace shared setting", err)
}

// RecordCatalog records that a worker uses the catalog from now on.
func (db *DB) RecordCatalog(ctx context.Context, fingerprint []byte) error {
	_, err := db.pool.ExecContext(ctx, `insert into satchel.shared_settings (name, value) values ($1, $2)
		on conflict (name, value) do update set used_at = clock_timestamp()`, SharedCatalog, fingerprint)
	return sqlstate.WrapContext(ctx, "record catalog", err)
}

// IsSharedCatalog reports whether a catalog is the newest or the second newest that a
// worker started with, or no worker has started yet. The second newest counts because a
// release reaches one program after the other.
func (db *DB) IsSharedCatalog(ctx context.Context, fingerprint []byte) (shared bool, err error) {
	err = db.pool.GetContext(ctx, &shared, `
		with newest as (select value from satchel.shared_settings where name = $1 order by used_at desc limit 2)
		select not exists (select from newest) or exists (select from newest where value = $2)`, SharedCatalog, fingerprint)
	return shared, sqlstate.WrapContext(ctx, "read catalog", err)
}
