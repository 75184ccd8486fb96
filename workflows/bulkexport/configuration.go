package bulkexport

import (
	"go.temporal.io/sdk/workflow"

	"satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
)

// BulkConfigurationInput is the input of BulkConfiguration.
type BulkConfigurationInput struct {
	Account string
	Type    schema.ResourceType
}

// ChangeUpdate is the update of BulkConfiguration that takes a Change. It returns a
// bulkexport.Rejection once the change is in effect.
const ChangeUpdate = "change"

// Change is the argument of ChangeUpdate.
type Change struct {
	Sealed []byte // schema.BulkChange as JSON, for schema.SealedChange
	By     string // user or credential ID
}

// BulkConfiguration changes the daily exports of one account and type, one change
// after the other, and closes when none is left. A change that failed may have been
// written without its schedule; the schedule is made to agree before it closes.
func BulkConfiguration(ctx workflow.Context, in BulkConfigurationInput) error {
	turn, changed, unsettled := workflow.NewMutex(ctx), false, false
	err := workflow.SetUpdateHandler(ctx, ChangeUpdate, func(ctx workflow.Context, change Change) (rejection bulkexport.Rejection, err error) {
		if err := turn.Lock(ctx); err != nil {
			return rejection, err
		}
		defer turn.Unlock()
		err = workflow.ExecuteActivity(updateOptions(ctx, "Change "+string(in.Type)), a.ConfigureBulk,
			bulkexport.ConfigureBulkInput{Account: in.Account, Type: in.Type, By: change.By, Sealed: change.Sealed}).Get(ctx, &rejection)
		changed, unsettled = true, err != nil
		return rejection, err
	})
	if err != nil {
		return err
	}
	if _, err := workflows.AwaitWithTimeout(ctx, openTimeout, "opening", func() bool { return changed }); err != nil {
		return err
	}
	for {
		if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil || !unsettled {
			return err
		}
		unsettled = false // until another change fails
		if err := workflow.ExecuteActivity(workflows.DatabaseOptions(ctx, "Settle "+string(in.Type)), a.ConfigureBulk,
			bulkexport.ConfigureBulkInput{Account: in.Account, Type: in.Type}).Get(ctx, nil); err != nil {
			return err
		}
	}
}
