package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
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
	_, err := startEmail(ctx, in)
	return err
}

// StartEmailAndWait is StartEmail that waits, no longer than the timeout, until the
// e-mails were sent or rejected.
func StartEmailAndWait(ctx workflow.Context, in activities.SendEmailInput, timeout time.Duration) error {
	ended, err := startEmail(ctx, in)
	if err != nil {
		return err
	}
	_, err = AwaitWithTimeout(ctx, timeout, "the e-mail's outcome", ended.IsReady)
	return err
}

func startEmail(ctx workflow.Context, in activities.SendEmailInput) (ended workflow.Future, err error) {
	return startDetached(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: EmailID(in.About, in.Kind), StaticSummary: emailSummary(in),
		Priority: temporal.Priority{PriorityKey: 3, FairnessKey: in.Account},
	}, Email, in)
}

func emailSummary(in activities.SendEmailInput) string { return "E-mail: " + string(in.Kind) }
