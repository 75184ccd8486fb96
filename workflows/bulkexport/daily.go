package bulkexport

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
)

// BulkDailyInput is the input of BulkDaily.
type BulkDailyInput struct {
	Account string
	Type    schema.ResourceType
	Limits  schema.BulkLimits
}

// scheduledStartTime is the time for which a schedule planned the run.
var scheduledStartTime = temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")

// BulkDaily writes the file of the UTC day before its scheduled time, even if it runs
// later, and delivers the account's webhook. For a suspended account it does neither.
func BulkDaily(ctx workflow.Context, in BulkDailyInput) error {
	scheduled, ok := workflow.GetTypedSearchAttributes(ctx).GetTime(scheduledStartTime)
	if !ok {
		return temporal.NewNonRetryableApplicationError("the run was not started by a schedule, so it has no day", "unscheduled", nil)
	}
	day := schema.DayOf(scheduled).Plus(-1)
	result, writeErr := writeDay(ctx, BulkDayInput{Account: in.Account, Type: in.Type, Day: day, Limits: in.Limits})
	if writeErr != nil {
		result.Status = schema.DayFailed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if result.Status == schema.DayDeleted {
		return nil
	}
	if err := notifyDaily(ctx, in, day, result.Status); err != nil {
		return err
	}
	if writeErr != nil {
		return fmt.Errorf("the file of %s was not written: %w", day, writeErr) // so that operators see it
	}
	return nil
}

// notifyDaily records the result and starts the account's webhook, if it has one.
func notifyDaily(ctx workflow.Context, in BulkDailyInput, day schema.Day, status schema.DayStatus) error {
	ctx = workflows.WithActivityID(workflows.DatabaseOptions(ctx, "Record the result of "+string(day)), "record")
	var event string
	if err := workflow.ExecuteActivity(ctx, a.RecordDailyResult, bulkexport.RecordDailyResultInput{
		Account: in.Account, Type: in.Type, Day: day, Status: status,
	}).Get(ctx, &event); err != nil || event == "" {
		return err
	}
	return startWebhook(ctx, WebhookDeliveryInput{Event: event, Account: in.Account})
}
