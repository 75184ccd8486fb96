package workflows

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Letter sends one mail and keeps trying for a day. It lets the run that
// wrote it close at once.
func Letter(ctx workflow.Context, in activities.Mail) error {
	ctx = named(mailing(ctx, "Mail: "+string(in.Kind), schema.EmailRetryWindow), "mail")
	return workflow.ExecuteActivity(ctx, hands.SendMail, in).Get(ctx, nil)
}

// post starts a Letter that outlives this run. A letter that is under way or
// has arrived is not written again.
func post(ctx workflow.Context, mail activities.Mail) error {
	return postAbout(ctx, mail.Export, mail.Kind, Letter, mail)
}

// postAbout is post for any subject: letter is the workflow that sends the mail.
func postAbout(ctx workflow.Context, subject string, kind activities.MailKind, letter, mail any) error {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            LetterID(subject, kind),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		StaticSummary:         "Mail: " + string(kind),
	})
	err := workflow.ExecuteChildWorkflow(ctx, letter, mail).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return err
}
