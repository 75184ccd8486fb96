package workflows

import (
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
// objects that no row knows.
func Sweep(ctx workflow.Context, in Sweeping) (activities.Swept, error) {
	var swept activities.Swept
	for after := ""; ; {
		var lost activities.Lost
		err := workflow.ExecuteActivity(recording(ctx, "Find exports without a run"), hands.FindLost,
			activities.Look{Grace: in.Grace, After: after}).Get(ctx, &lost)
		if err != nil {
			return swept, err
		}
		for _, order := range lost.Orders {
			if err := workflow.ExecuteActivity(removing(ctx, "Remove "+order.Export), hands.RemoveArchive, order).Get(ctx, nil); err != nil {
				return swept, err
			}
			if order.Ending.Status == schema.Failed {
				if err := post(ctx, activities.Mail{Export: order.Export, Account: order.Account, Kind: activities.FailedMail, Generation: 1}); err != nil {
					return swept, err
				}
			}
			swept.Exports++
		}
		if lost.Next == "" {
			break
		}
		after = lost.Next
	}
	var strays activities.Swept
	err := workflow.ExecuteActivity(removing(ctx, "Remove objects that no row knows"), hands.RemoveStrays,
		activities.Look{Grace: in.Grace}).Get(ctx, &strays)
	swept.Strays = strays.Strays
	return swept, err
}
