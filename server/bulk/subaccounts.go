package bulk

import (
	"context"

	"satchel/schema"
	"satchel/server/auth"
)

// Subaccount is a subaccount with a summary of its bulk exports, as its parent sees it.
type Subaccount struct {
	schema.Account
	schema.AccountSummary
}

// Subaccounts returns up to limit subaccounts of the caller's account with a summary of each,
// and how many more there are. An account without subaccounts has an empty list.
func (b *Bulk) Subaccounts(ctx context.Context, p auth.Principal, limit int) (list []Subaccount, more int, err error) {
	accounts, err := b.Directory.Subaccounts(ctx, p.Account)
	if err != nil || len(accounts) == 0 {
		return nil, 0, err
	}
	if len(accounts) > limit { // each summary costs several queries
		accounts, more = accounts[:limit], len(accounts)-limit
	}
	ids := make([]string, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	summaries, err := b.Store.AccountSummaries(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	list = make([]Subaccount, len(accounts))
	for i, a := range accounts {
		list[i] = Subaccount{a, summaries[a.ID]}
	}
	return list, more, nil
}
