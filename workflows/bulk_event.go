package workflows

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
)

// Event is one webhook to be delivered.
type Event struct {
	ID      string
	Account string
	Again   bool // it was sent before, and is wanted once more
}

// Webhook delivers one event, with growing pauses for a day, and then gives up
// visibly.
func Webhook(ctx workflow.Context, in Event) error {
	if in.Again {
		if err := workflow.ExecuteActivity(named(recording(ctx, "Open the event again"), "reopen"), hands.ReopenEvent,
			activities.ReopenEvent{Event: in.ID}).Get(ctx, nil); err != nil {
			return err
		}
	}
	deliver := activities.Deliver{Event: in.ID}
	err := workflow.ExecuteActivity(named(delivering(ctx, "Deliver the webhook"), "deliver"), hands.DeliverWebhook, deliver).Get(ctx, nil)
	if err == nil {
		return nil
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // an operator who cancels it gives up, too
	if err := workflow.ExecuteActivity(named(recording(ctx, "Give up"), "give-up"), hands.GiveUpWebhook, deliver).Get(ctx, nil); err != nil {
		return err
	}
	return err
}

// sendEvent starts a Webhook that outlives this run. One that is under way or
// was delivered is not sent again.
func sendEvent(ctx workflow.Context, e Event) error {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            WebhookID(e.ID),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		TypedSearchAttributes: temporal.NewSearchAttributes(exportAccount.ValueSet(e.Account)),
		StaticSummary:         "Webhook",
		Priority:              bulkPriority(e.Account),
	})
	err := workflow.ExecuteChildWorkflow(ctx, Webhook, e).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return err
}
