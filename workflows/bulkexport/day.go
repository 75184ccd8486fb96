package bulkexport

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
)

// BulkDayInput is the input of BulkDay.
type BulkDayInput struct {
	Account string
	Type    schema.ResourceType
	Day     schema.Day
	Job     string // "" for a daily export and for a rebuild
	Rebuild bool   // write an existing file again, without the calls erased since
	Limits  schema.BulkLimits
}

// BulkDay writes the file of one account, type and UTC day. Its workflow ID keeps it
// to one writer at a time. It waits, for up to schema.DailyCatchUp, until the source
// database has all records of the day: that uses none of the retry window.
func BulkDay(ctx workflow.Context, in BulkDayInput) (result bulkexport.WriteDayResult, err error) {
	in.Limits = in.Limits.WithDefaults()
	ctx = dayFileOptions(ctx, daySummary(in.Type, in.Day), max(maxDayDuration, in.Limits.RetryWindow), in.retryWindow())
	ctx = workflows.WithActivityID(ctx, "write")
	began := workflow.Now(ctx)
	for pause := minSourcePause; ; pause = min(2*pause, maxPause) {
		result = bulkexport.WriteDayResult{}
		if err = workflow.ExecuteActivity(ctx, a.WriteDay, bulkexport.WriteDayInput(in)).Get(ctx, &result); err != nil || result.Waits == "" {
			return result, err
		}
		if workflow.Now(ctx).Sub(began) >= schema.DailyCatchUp {
			return result, temporal.NewNonRetryableApplicationError(result.Waits, schema.CodeDayNotWhole, nil)
		}
		workflow.SetCurrentDetails(ctx, result.Waits)
		if err = workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: result.Waits}).Get(ctx, nil); err != nil {
			return result, err
		}
		workflow.SetCurrentDetails(ctx, "")
	}
}

func daySummary(t schema.ResourceType, day schema.Day) string {
	return "Write " + string(t) + " of " + string(day)
}

// retryWindow is how long the day is retried. A daily export cannot be requested again,
// so it is retried for as long as the schedule catches up missed runs.
func (in BulkDayInput) retryWindow() time.Duration {
	if daily := in.Job == "" && !in.Rebuild; daily {
		return max(schema.DailyCatchUp, in.Limits.RetryWindow)
	}
	return in.Limits.RetryWindow
}

// minSourcePause is the shortest pause while the source database may not have all
// records of a day.
const minSourcePause = 5 * time.Second

// maxPause is the longest pause while the source database may not have all records of a
// day, and between attempts to start BulkDay while another run writes the same day. Both
// may take days, and each pause adds events to the history.
const maxPause = 10 * time.Minute

// writeDay runs BulkDay as a child. While another run writes the same day, it waits.
func writeDay(ctx workflow.Context, in BulkDayInput) (result bulkexport.WriteDayResult, err error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            workflows.BulkDayID(in.Account, in.Type, in.Day),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AccountAttribute.ValueSet(in.Account)),
		StaticSummary:         daySummary(in.Type, in.Day),
		Priority:              Priority(in.Account),
	})
	for pause := time.Second; ; pause = min(2*pause, maxPause) {
		err = workflow.ExecuteChildWorkflow(ctx, BulkDay, in).Get(ctx, &result)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return result, err
		}
		if err := workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "another run writes this day"}).Get(ctx, nil); err != nil {
			return result, err
		}
	}
}

// DayFileRemovalInput is the input of DayFileRemoval.
type DayFileRemovalInput struct {
	File      string
	Account   string
	Type      schema.ResourceType
	Day       schema.Day
	ExpiresAt time.Time
	By        string
}

// DayFileRemoval deletes a day file before it expires, even while it is being rebuilt.
// Its key is destroyed even while storage does not answer.
func DayFileRemoval(ctx workflow.Context, in DayFileRemovalInput) error {
	begin := workflows.WithActivityID(workflows.PersistentDatabaseOptions(ctx, "Destroy the key of "+in.File), "begin-removal")
	var exists bool
	if err := workflow.ExecuteActivity(begin, a.BeginDayFileRemoval, bulkexport.RemoveDayFileInput(in)).Get(ctx, &exists); err != nil || !exists {
		return err
	}
	ctx = workflows.WithActivityID(workflows.RemovalOptions(ctx, "Remove "+in.File), "remove")
	return workflow.ExecuteActivity(ctx, a.RemoveDayFile, bulkexport.RemoveDayFileInput(in)).Get(ctx, nil)
}
