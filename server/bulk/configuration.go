package bulk

import (
	"context"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/bulkexport"
	"satchel/workflows/client"
)

// Configurations returns the daily export settings of the caller's account, one for each
// resource type in their order.
func (b *Bulk) Configurations(ctx context.Context, p auth.Principal) ([]schema.BulkConfiguration, error) {
	return b.Store.Configurations(ctx, p.Account)
}

// Configure changes the daily export settings of one resource type and returns the result.
// Fields that the change leaves out keep their value. A change that would leave only half a
// webhook is Invalid and changes nothing.
func (b *Bulk) Configure(ctx context.Context, p auth.Principal, t schema.ResourceType, change schema.BulkChange) (schema.BulkConfiguration, error) {
	if change.Method != nil {
		method, err := parseMethod(*change.Method)
		if err != nil {
			return schema.BulkConfiguration{}, err
		}
		change.Method = &method
	}
	if change.URL != nil && *change.URL != "" {
		if err := b.checkWebhook(*change.URL); err != nil {
			return schema.BulkConfiguration{}, err
		}
	}
	if change != (schema.BulkChange{}) {
		sealed, err := b.seal(ctx, change, p.Account, schema.SealedChange(t))
		if err == nil {
			err = client.ConfigureBulk(ctx, b.Temporal, p.Account, t, bulkexport.Change{Sealed: sealed, By: p.Actor()})
		}
		if err != nil {
			return schema.BulkConfiguration{}, err
		}
	}
	return b.Store.Configuration(ctx, p.Account, t)
}
