package workflows

import (
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Email sends the e-mails of one kind about an export or job. It retries for
// schema.EmailRetryWindow. It is a workflow of its own so that the run that starts it
// can close.
func Email(ctx workflow.Context, in activities.SendEmailInput) error {
	var a *activities.EmailActivities
	ctx = WithActivityID(EmailOptions(ctx, emailSummary(in), schema.EmailRetryWindow), "send")
	return workflow.ExecuteActivity(ctx, a.SendEmail, in).Get(ctx, nil)
}

// StartEmail starts Email detached from this run. E-mails that are being sent, or were
// sent, are not sent again.
func StartEmail(ctx workflow.Context, in activities.SendEmailInput) error {
	return StartDetached(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: EmailID(in.About, in.Kind), StaticSummary: emailSummary(in),
	}, Email, in)
}

func emailSummary(in activities.SendEmailInput) string { return "E-mail: " + string(in.Kind) }
