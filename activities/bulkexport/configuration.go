package bulkexport

import (
	"context"

	"satchel/activities"
	"satchel/schema"
)

// ConfigureBulkInput is the input of ConfigureBulk.
type ConfigureBulkInput struct {
	Account string
	Type    schema.ResourceType
	By      string // user or credential ID
	Sealed  []byte // schema.BulkChange as JSON, for schema.SealedChange; nil changes nothing
}

// ConfigureBulk changes the daily exports of an account, and makes or removes
// their schedule.
func (a *Activities) ConfigureBulk(ctx context.Context, in ConfigureBulkInput) (Rejection, error) {
	var change schema.BulkChange
	if in.Sealed != nil {
		if err := a.unseal(ctx, in.Sealed, in.Account, schema.SealedChange(in.Type), &change); err != nil {
			return Rejection{}, activities.ToApplicationError(ctx, err)
		}
	}
	configuration, err := a.Store.Configure(ctx, in.Account, in.Type, in.By, change)
	if err == nil {
		err = a.Schedules.SetDaily(ctx, in.Account, in.Type, configuration.Enabled)
	}
	rejection, err := splitRejection(err)
	return rejection, activities.ToApplicationError(ctx, err)
}
