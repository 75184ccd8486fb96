package bulk

import (
	"context"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/bulkexport"
	"satchel/workflows/client"
)

// Configurations tells what the caller's account wants every day, of all
// types in their order.
func (b *Bulk) Configurations(ctx context.Context, p auth.Principal) ([]schema.BulkConfiguration, error) {
	return b.Store.Configurations(ctx, p.Account)
}

// Configure changes what the account wants of a type every day, and answers
// how it is then. What the change leaves out stays; half a webhook, after the
// change, is Invalid and changes nothing.
func (b *Bulk) Configure(ctx context.Context, p auth.Principal, t schema.ResourceType, change schema.BulkChange) (schema.BulkConfiguration, error) {
	if change.Method != nil {
		method, err := methodOf(*change.Method)
		if err != nil {
			return schema.BulkConfiguration{}, err
		}
		change.Method = &method
	}
	if change.URL != nil && *change.URL != "" {
		if err := b.checkHook(*change.URL); err != nil {
			return schema.BulkConfiguration{}, err
		}
	}
	if change != (schema.BulkChange{}) {
		sealed, err := b.seal(ctx, change, p.Account, schema.SealedChange(t))
		if err == nil {
			err = client.ConfigureBulk(ctx, b.Temporal, p.Account, t, bulkexport.Change{Sealed: sealed, By: by(p)})
		}
		if err != nil {
			return schema.BulkConfiguration{}, err
		}
	}
	return b.Store.Configuration(ctx, p.Account, t)
}
