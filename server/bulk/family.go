package bulk

import (
	"context"

	"satchel/schema"
	"satchel/server/auth"
)

// Subaccount is what its parent sees of it.
type Subaccount struct {
	schema.Account
	schema.BulkGlance
}

// Subaccounts lists those of the caller's account, with how much is going on
// in each. An account without any has an empty list.
func (b *Bulk) Subaccounts(ctx context.Context, p auth.Principal) ([]Subaccount, error) {
	accounts, err := b.Directory.Subaccounts(ctx, p.Account)
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	ids := make([]string, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	glances, err := b.Store.BulkGlances(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]Subaccount, len(accounts))
	for i, a := range accounts {
		list[i] = Subaccount{a, glances[a.ID]}
	}
	return list, nil
}
