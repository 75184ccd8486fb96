package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Sweeping is how the sweep looks around.
type Sweeping struct {
	Grace time.Duration // how late something must be before it counts as lost
}

// Sweep does for exports whose run is gone (terminated, lost) what the run
// would have done: it removes them and says how they ended. It also removes
// objects that no row knows. What cannot be removed keeps nothing else; the
// sweep fails then, so that it is seen, and the next one tries again.
func Sweep(ctx workflow.Context, in Sweeping) (swept activities.Swept, err error) {
	for after := ""; ; {
		var lost activities.Lost
		if err := workflow.ExecuteActivity(sweeping(ctx, "Find exports without a run"), hands.FindLost,
			activities.Look{Grace: in.Grace, After: after}).Get(ctx, &lost); err != nil {
			return swept, err
		}
		if err := removeLost(ctx, lost.Orders, &swept); err != nil {
			return swept, err
		}
		if after = lost.Next; after == "" || workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			break // so many that the next sweep goes on
		}
	}
	var strays activities.Swept
	if err := workflow.ExecuteActivity(sweeping(ctx, "Remove objects that no row knows"), hands.RemoveStrays,
		activities.Look{Grace: in.Grace}).Get(ctx, &strays); err != nil {
		return swept, err
	}
	swept.Strays, swept.Stuck = strays.Strays, swept.Stuck+strays.Stuck
	if swept.Stuck > 0 {
		err = fmt.Errorf("%d exports could not be removed", swept.Stuck)
	}
	return swept, err
}

// removeLost removes all of them at once, and writes to the people of those
// that failed by it.
func removeLost(ctx workflow.Context, orders []activities.Remove, swept *activities.Swept) error {
	removals := make([]workflow.Future, len(orders))
	for i, order := range orders {
		removals[i] = workflow.ExecuteActivity(sweeping(ctx, "Remove "+order.Export), hands.RemoveArchive, order)
	}
	for i, order := range orders {
		if err := removals[i].Get(ctx, nil); err != nil {
			swept.Stuck++
			continue
		}
		swept.Exports++
		if order.Ending.Status != schema.Failed {
			continue
		}
		mail := activities.Mail{Export: order.Export, Account: order.Account, Kind: activities.FailedMail, Generation: 1}
		if err := post(ctx, mail); err != nil {
			return err
		}
	}
	return nil
}
