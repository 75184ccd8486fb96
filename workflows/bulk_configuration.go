package workflows

import (
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Configuring is what changing a configuration begins with.
type Configuring struct {
	Account string
	Type    schema.ResourceType
}

// Change is what somebody wants to be otherwise.
type Change struct {
	Sealed []byte // schema.BulkChange as JSON, for schema.SealedChange
	By     string // user or credential ID
}

const changeConfiguration = "change" // answers once the change holds, or says why it can not

// BulkConfiguration changes what an account wants of one type every day, one
// change after the other, and closes when there is none left. One that failed
// may have been written down and not scheduled; that is settled before.
func BulkConfiguration(ctx workflow.Context, in Configuring) error {
	turn, changed, unsure := workflow.NewMutex(ctx), false, false
	err := workflow.SetUpdateHandler(ctx, changeConfiguration, func(ctx workflow.Context, change Change) (refusal activities.Refusal, err error) {
		if err := turn.Lock(ctx); err != nil {
			return refusal, err
		}
		defer turn.Unlock()
		err = workflow.ExecuteActivity(answering(ctx, "Change "+string(in.Type)), hands.ConfigureBulk,
			activities.ConfigureBulk{Account: in.Account, Type: in.Type, By: change.By, Sealed: change.Sealed}).Get(ctx, &refusal)
		changed, unsure = true, err != nil
		return refusal, err
	})
	if err != nil {
		return err
	}
	if _, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: openWithin, TimerOptions: workflow.TimerOptions{Summary: "opening"},
	}, func() bool { return changed }); err != nil {
		return err
	}
	for {
		if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil || !unsure {
			return err
		}
		unsure = false // until somebody else is
		if err := workflow.ExecuteActivity(recording(ctx, "Settle "+string(in.Type)), hands.ConfigureBulk,
			activities.ConfigureBulk{Account: in.Account, Type: in.Type}).Get(ctx, nil); err != nil {
			return err
		}
	}
}
