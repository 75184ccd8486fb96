package workflows

import (
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Day is what writing a day begins with.
type Day struct {
	Account string
	Type    schema.ResourceType
	Day     schema.Day
	Job     string // "" for a daily export and for a file that is made again
	Again   bool   // without calls that were erased since
	Limits  schema.BulkLimits
}

// BulkDay writes the file of one account, type and UTC day. Its workflow ID
// keeps it to one writer at a time.
func BulkDay(ctx workflow.Context, in Day) (written activities.WrittenDay, err error) {
	in.Limits = in.Limits.Filled()
	ctx = writing(ctx, "Write "+string(in.Type)+" of "+string(in.Day), max(longestWriting, in.Limits.Patience), in.patience())
	err = workflow.ExecuteActivity(named(ctx, "write"), hands.WriteDay,
		activities.WriteDay{Account: in.Account, Type: in.Type, Day: in.Day, Job: in.Job, Again: in.Again, Limits: in.Limits}).Get(ctx, &written)
	return written, err
}

// patience is how long the day may keep failing. Nobody can ask again for a
// daily export, so it is made up for as far back as one that was missed.
func (d Day) patience() time.Duration {
	if daily := d.Job == "" && !d.Again; daily {
		return max(schema.DailyCatchUp, d.Limits.Patience)
	}
	return d.Limits.Patience
}

// longestWait is how long to wait, at a time, for somebody else who writes the
// day: that may be days, and each wait is written down.
const longestWait = 10 * time.Minute

// writeDay runs BulkDay, once nobody else writes the same day.
func writeDay(ctx workflow.Context, in Day) (written activities.WrittenDay, err error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            BulkDayID(in.Account, in.Type, in.Day),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		TypedSearchAttributes: temporal.NewSearchAttributes(exportAccount.ValueSet(in.Account)),
		StaticSummary:         "Write " + string(in.Type) + " of " + string(in.Day),
		Priority:              bulkPriority(in.Account),
	})
	for pause := time.Second; ; pause = min(2*pause, longestWait) {
		err = workflow.ExecuteChildWorkflow(ctx, BulkDay, in).Get(ctx, &written)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return written, err
		}
		if err := workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "somebody else writes this day"}).Get(ctx, nil); err != nil {
			return written, err
		}
	}
}

// Daily is what a daily export begins with.
type Daily struct {
	Account string
	Type    schema.ResourceType
	Limits  schema.BulkLimits
}

// BulkDaily writes the day before the one that it is scheduled for, however late
// it runs, and tells the account's webhook. While the account is suspended it
// does neither.
func BulkDaily(ctx workflow.Context, in Daily) error {
	scheduled, ok := workflow.GetTypedSearchAttributes(ctx).GetTime(scheduledStart)
	if !ok {
		return temporal.NewNonRetryableApplicationError("only its schedule knows which day is meant", "unscheduled", nil)
	}
	day := schema.DayOf(scheduled).Plus(-1)
	written, err := writeDay(ctx, Day{Account: in.Account, Type: in.Type, Day: day, Limits: in.Limits})
	if err != nil {
		written.Status = schema.DayFailed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if written.Status == schema.DayDeleted {
		return nil
	}
	var event string
	if told := workflow.ExecuteActivity(named(recording(ctx, "Tell of "+string(day)), "tell"), hands.TellDaily, activities.DailyEnd{
		Account: in.Account, Type: in.Type, Day: day, Status: written.Status,
	}).Get(ctx, &event); told != nil {
		return told
	}
	if event != "" {
		if err := sendEvent(ctx, Event{ID: event, Account: in.Account}); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("the file of %s was not written: %w", day, err) // so that operators see it
	}
	return nil
}

// scheduledStart is when a schedule meant its action to run.
var scheduledStart = temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")

// FileRemoval is what removing a day file early begins with.
type FileRemoval struct {
	File      string
	Account   string
	Type      schema.ResourceType
	Day       schema.Day
	ExpiresAt time.Time
	By        string
}

// RemoveDayFile deletes a day file before its time, even where it is made again
// at this moment.
func RemoveDayFile(ctx workflow.Context, in FileRemoval) error {
	return workflow.ExecuteActivity(named(removing(ctx, "Remove "+in.File), "remove"), hands.RemoveDay,
		activities.RemoveDay(in)).Get(ctx, nil)
}
