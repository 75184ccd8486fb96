package workflows

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
)

// Letter sends one mail and keeps trying for a day. It lets the run that
// wrote it close at once.
func Letter(ctx workflow.Context, in activities.Mail) error {
	ctx = mailing(ctx, "Mail: "+string(in.Kind), 24*time.Hour)
	return workflow.ExecuteActivity(ctx, hands.SendMail, in).Get(ctx, nil)
}

// post starts a Letter that outlives this run. A letter that is under way or
// has arrived is not written again.
func post(ctx workflow.Context, mail activities.Mail) error {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            LetterID(mail.Export, mail.Kind),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		StaticSummary:         "Mail: " + string(mail.Kind),
	})
	err := workflow.ExecuteChildWorkflow(ctx, Letter, mail).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil
	}
	return err
}
