package workflows

import (
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Email sends the e-mails of one occasion about an export or a job, retrying for a
// day. It lets the run that starts it close at once.
func Email(ctx workflow.Context, in activities.SendEmailInput) error {
	var a *activities.EmailActivities
	ctx = WithActivityID(EmailOptions(ctx, emailSummary(in), schema.EmailRetryWindow), "send")
	return workflow.ExecuteActivity(ctx, a.SendEmail, in).Get(ctx, nil)
}

// StartEmail starts an Email that outlives this run. E-mails that are being sent, or
// were sent, are not sent again.
func StartEmail(ctx workflow.Context, in activities.SendEmailInput) error {
	return StartDetached(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: EmailID(in.About, in.Kind), StaticSummary: emailSummary(in),
	}, Email, in)
}

func emailSummary(in activities.SendEmailInput) string { return "E-mail: " + string(in.Kind) }
