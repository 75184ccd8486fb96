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

// BulkConfiguration applies changes to the daily exports of one account and type, one
// after the other, and closes when no change is pending. A change that failed may have
// been written to the database without the schedule; the schedule is reconciled before
// the run closes.
func BulkConfiguration(ctx workflow.Context, in BulkConfigurationInput) error {
	mutex, changed, reconcile := workflow.NewMutex(ctx), false, false
	err := workflow.SetUpdateHandler(ctx, ChangeUpdate, func(ctx workflow.Context, change Change) (rejection bulkexport.Rejection, err error) {
		if err := mutex.Lock(ctx); err != nil {
			return rejection, err
		}
		defer mutex.Unlock()
		err = workflow.ExecuteActivity(updateOptions(ctx, "Change "+string(in.Type)), a.ConfigureBulk,
			bulkexport.ConfigureBulkInput{Account: in.Account, Type: in.Type, By: change.By, Sealed: change.Sealed}).Get(ctx, &rejection)
		changed, reconcile = true, err != nil
		return rejection, err
	})
	if err != nil {
		return err
	}
	if _, err := workflows.AwaitWithTimeout(ctx, firstUpdateTimeout, "first update", func() bool { return changed }); err != nil {
		return err
	}
	for {
		if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil || !reconcile {
			return err
		}
		reconcile = false // until another change fails
		if err := workflow.ExecuteActivity(workflows.DatabaseOptions(ctx, "Reconcile the schedule of "+string(in.Type)), a.ConfigureBulk,
			bulkexport.ConfigureBulkInput{Account: in.Account, Type: in.Type}).Get(ctx, nil); err != nil {
			return err
		}
	}
}
