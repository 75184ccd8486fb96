package bulkexport

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities/bulkexport"
	"satchel/workflows"
)

// WebhookDeliveryInput is the input of WebhookDelivery.
type WebhookDeliveryInput struct {
	Event   string
	Account string
	Resend  bool // requested again, after it was delivered or given up
}

// WebhookDelivery delivers one event. It retries for schema.WebhookRetryWindow with
// growing intervals, and then marks the event as given up.
func WebhookDelivery(ctx workflow.Context, in WebhookDeliveryInput) error {
	if in.Resend {
		if err := workflow.ExecuteActivity(workflows.WithActivityID(workflows.DatabaseOptions(ctx, "Reopen the event"), "reopen"), a.ReopenWebhook,
			bulkexport.ReopenWebhookInput{Event: in.Event}).Get(ctx, nil); err != nil {
			return err
		}
	}
	err := workflow.ExecuteActivity(workflows.WithActivityID(webhookOptions(ctx, "Deliver the webhook"), "deliver"), a.DeliverWebhook,
		bulkexport.DeliverWebhookInput{Event: in.Event, Account: in.Account}).Get(ctx, nil)
	if err == nil {
		return nil
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled run must mark it, too
	if err := workflow.ExecuteActivity(workflows.WithActivityID(workflows.DatabaseOptions(ctx, "Mark the webhook as given up"), "give-up"), a.GiveUpWebhook,
		bulkexport.GiveUpWebhookInput{Event: in.Event}).Get(ctx, nil); err != nil {
		return err
	}
	return err
}

// startWebhook starts a WebhookDelivery that outlives this run. An event that is being
// delivered, or was delivered, is not sent again.
func startWebhook(ctx workflow.Context, in WebhookDeliveryInput) error {
	return workflows.StartDetached(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            workflows.WebhookID(in.Event),
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AccountAttribute.ValueSet(in.Account)),
		StaticSummary:         "Webhook",
		Priority:              Priority(in.Account),
	}, WebhookDelivery, in)
}
