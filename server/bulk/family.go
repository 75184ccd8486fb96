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

// Subaccounts lists the first of those of the caller's account, with how much is
// going on in each, and counts the others. An account without any has an empty
// list.
func (b *Bulk) Subaccounts(ctx context.Context, p auth.Principal, limit int) (list []Subaccount, more int, err error) {
	accounts, err := b.Directory.Subaccounts(ctx, p.Account)
	if err != nil || len(accounts) == 0 {
		return nil, 0, err
	}
	if len(accounts) > limit { // what goes on in one takes several looks
		accounts, more = accounts[:limit], len(accounts)-limit
	}
	ids := make([]string, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	glances, err := b.Store.BulkGlances(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	list = make([]Subaccount, len(accounts))
	for i, a := range accounts {
		list[i] = Subaccount{a, glances[a.ID]}
	}
	return list, more, nil
}
