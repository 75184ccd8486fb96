package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// EraseCalls erases calls of one account: it answers once no new file will
// contain them and somebody makes those again that do, or says why that can not be.
func EraseCalls(ctx workflow.Context, in activities.Erase) (refusal activities.Refusal, err error) {
	err = workflow.ExecuteActivity(named(answering(ctx, "Note what is to be gone"), "erase"), hands.EraseCalls, in).Get(ctx, &refusal)
	return refusal, err
}

// Rebuild is what making a day's file of calls again begins with.
type Rebuild struct {
	Account string
	Day     schema.Day
}

const (
	// gather is how long to wait for more calls of the same day before its file is
	// made again.
	gather = 20 * time.Second
	// betweenRebuilds is how long whoever else waits to write the day has the turn.
	betweenRebuilds = time.Minute
)

// RebuildDay makes the file of a day again, without the calls that were erased
// since it was made, once nobody else writes the day. It is tried until it is done
// or the file is gone: what is in it was to be gone. A call that is erased in the
// moment in which this ends is left to the sweep.
func RebuildDay(ctx workflow.Context, in Rebuild) error {
	day := Day{Account: in.Account, Type: schema.Calls, Day: in.Day, Again: true, Limits: schema.BulkLimits{Patience: littlePatience}}
	for {
		_, err := writeDay(ctx, day)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := workflow.NewTimerWithOptions(ctx, betweenRebuilds, workflow.TimerOptions{Summary: "before it is tried again"}).Get(ctx, nil); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, RebuildDay, in)
		}
	}
}
