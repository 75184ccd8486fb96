package bulkexport

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
)

// CallErasureInput is the input of CallErasure.
type CallErasureInput struct {
	Account string
	By      string
	Calls   []schema.Erasure
}

// CallErasure erases calls of one account: it returns once no new file will contain
// them and the rebuild of those that do is requested, or returns why it cannot be.
func CallErasure(ctx workflow.Context, in CallErasureInput) (rejection bulkexport.Rejection, err error) {
	ctx = workflows.WithActivityID(updateOptions(ctx, "Record the erasure"), "erase")
	err = workflow.ExecuteActivity(ctx, a.EraseCalls, bulkexport.EraseCallsInput(in)).Get(ctx, &rejection)
	return rejection, err
}

// DayRebuildInput is the input of DayRebuild.
type DayRebuildInput struct {
	Account string
	Day     schema.Day
}

const (
	// RebuildDebounce is how long a rebuild waits for more erased calls of the same day.
	RebuildDebounce = 20 * time.Second
	// pauseBetweenRebuilds lets other runs that wait to write the day have their turn.
	pauseBetweenRebuilds = time.Minute
)

// DayRebuild writes the file of a day again, without the calls that were erased since
// it was written, as soon as no other run writes the day. It retries until the file is
// rebuilt or gone, since its erased calls must not stay. A call that is erased just as
// this run ends is left to the sweep.
func DayRebuild(ctx workflow.Context, in DayRebuildInput) error {
	day := BulkDayInput{
		Account: in.Account, Type: schema.Calls, Day: in.Day, Rebuild: true, Limits: schema.BulkLimits{Patience: failFastWindow},
	}
	for {
		_, err := writeDay(ctx, day)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := workflow.NewTimerWithOptions(ctx, pauseBetweenRebuilds, workflow.TimerOptions{Summary: "before the next attempt"}).Get(ctx, nil); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, DayRebuild, in)
		}
	}
}
