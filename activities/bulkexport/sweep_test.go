package bulkexport_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities/bulkexport"
	"satchel/dev/demo"
	"satchel/schema"
)

// waitingVault removes nothing until so many removals wait together.
type waitingVault struct {
	bulkexport.Vault
	together sync.WaitGroup
}

func (v *waitingVault) Remove(ctx context.Context, prefix string) (schema.Certificate, error) {
	v.together.Done()
	v.together.Wait()
	return v.Vault.Remove(ctx, prefix)
}

func TestExpiredDayFilesAreRemovedTogether(t *testing.T) {
	const files = 8
	r := newFixtureWithBucket(t, demo.With{})
	for i := range files {
		r.exec(`insert into satchel.day_files (account_sid, resource_type, day, id, wrapped, records, size, sha256, expires_at)
			values ($1, 'Calls', '2026-03-01'::date + $2::int, $3, 'w', 0, 0, '', now())`, r.account.AccountSID, i, schema.NewDayFileID())
	}
	vault := &waitingVault{Vault: r.vault}
	vault.together.Add(files)
	r.Vault = vault
	var removed bulkexport.RemoveExpiredDayFilesResult
	require.NoError(t, r.get(&removed, r.RemoveExpiredDayFiles))
	require.Equal(t, bulkexport.RemoveExpiredDayFilesResult{Removed: files}, removed)
}
