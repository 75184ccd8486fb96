package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// SweepingBulk is how the sweep of bulk exports looks around.
type SweepingBulk struct {
	Sweeping
	Limits schema.BulkLimits
}

// SweepBulk deletes day files whose time is over, ends jobs whose run is gone,
// and forgets what is long over. What cannot be removed keeps nothing else; the
// sweep fails then, so that it is seen, and the next one tries again.
func SweepBulk(ctx workflow.Context, in SweepingBulk) (swept activities.SweptBulk, err error) {
	err = workflow.ExecuteActivity(sweeping(ctx, "Sweep up day files and jobs"), hands.SweepBulk,
		activities.SweepBulk{Grace: in.Grace, Limits: in.Limits.Filled()}).Get(ctx, &swept)
	if err == nil && swept.Stuck > 0 {
		err = fmt.Errorf("%d day files could not be removed", swept.Stuck)
	}
	return swept, err
}
