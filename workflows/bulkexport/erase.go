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

	Gone bool // the platform shows no record of them: they are erased only if files of their days hold them
}

// CallErasure erases calls of one account. It returns once no new file will contain them
// and the rebuild of the files that do is requested, or returns a rejection.
func CallErasure(ctx workflow.Context, in CallErasureInput) (rejection bulkexport.Rejection, err error) {
	if in.Gone {
		for _, call := range in.Calls {
			find := workflows.WithActivityID(findCallOptions(ctx, "Look for the call in the file of its day"), "find-"+call.Call)
			err = workflow.ExecuteActivity(find, a.FindCallInFile, bulkexport.FindCallInFileInput{Account: in.Account, Erasure: call}).Get(ctx, &rejection)
			if err != nil || rejection.Kind != "" {
				return rejection, err
			}
		}
	}
	ctx = workflow.WithTaskQueue(workflows.WithActivityID(updateOptions(ctx, "Record the erasure"), "erase"), workflows.ArchiveQueue)
	err = workflow.ExecuteActivity(ctx, a.EraseCalls, bulkexport.EraseCallsInput{Account: in.Account, By: in.By, Calls: in.Calls}).Get(ctx, &rejection)
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
	// pauseBetweenRebuilds lets other runs write the day between two attempts.
	pauseBetweenRebuilds = time.Minute
)

// DayRebuild writes the file of a day again, without the calls that were erased since
// it was written, once no other run writes the day. It retries until the file is rebuilt
// or gone, since erased calls must not stay in it. If a call is erased just as this run
// ends, the sweep requests another rebuild.
func DayRebuild(ctx workflow.Context, in DayRebuildInput) error {
	day := BulkDayInput{
		Account: in.Account, Type: schema.Calls, Day: in.Day, Rebuild: true, Limits: schema.BulkLimits{RetryWindow: failFastWindow},
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
