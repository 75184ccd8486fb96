package program

import (
	"cmp"
	"context"
	"errors"

	"satchel/activities/vault"
	"satchel/schema/catalog"
)

// Catalog loads the catalog of queries from CATALOG_DIR, or the built-in one.
func (d Data) Catalog() (*catalog.Catalog, error) {
	return catalog.Open(d.CatalogDir)
}

// SourceURL is the URL of the platform's database.
func (d Data) SourceURL() string { return cmp.Or(d.SourceDatabaseURL, d.DatabaseURL) }

// OpenVault opens the vault. A keyset that was made for development is refused
// unless dev is set.
func (d Data) OpenVault(ctx context.Context, dev bool) (*vault.Vault, error) {
	v, err := vault.Open(ctx, d.Vault)
	if err != nil {
		return nil, err
	}
	if v.KeyIsForDevelopment() && !dev {
		v.Close()
		return nil, errors.New("KEYSET_FILE was made for one machine, so others may have it; make one with: worker keyset FILE")
	}
	return v, nil
}

// CheckSessions returns the error of the first database that is reached through a
// pooler in transaction mode. A database that does not answer yet is left to the
// readiness checks.
func CheckSessions(ctx context.Context, databases ...interface{ CheckSessions(context.Context) error }) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for _, db := range databases {
		if err := db.CheckSessions(ctx); err != nil && stateOf(err) == StateWrong {
			return err
		}
	}
	return nil
}
