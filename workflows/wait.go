package workflows

import (
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// AwaitWithTimeout waits until the condition holds or the timeout has passed, and
// reports whether it holds. Its timer is cancelled when the wait ends; the SDK's own
// AwaitWithTimeout leaves it running.
func AwaitWithTimeout(ctx workflow.Context, timeout time.Duration, summary string, condition func() bool) (bool, error) {
	timerCtx, cancel := workflow.WithCancel(ctx)
	holds, err := workflow.AwaitWithOptions(timerCtx, workflow.AwaitOptions{
		Timeout: timeout, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, condition)
	cancel()
	return holds, err
}

// StartDetached starts a child workflow that continues after its parent has closed. One
// that is running, or has completed, is not started again.
func StartDetached(ctx workflow.Context, options workflow.ChildWorkflowOptions, child, in any) error {
	_, err := startDetached(ctx, options, child, in)
	return err
}

// startDetached is StartDetached that returns the child's result.
func startDetached(ctx workflow.Context, options workflow.ChildWorkflowOptions, child, in any) (result workflow.Future, err error) {
	options.ParentClosePolicy = enumspb.PARENT_CLOSE_POLICY_ABANDON
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	run := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, options), child, in)
	err = run.GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		err = nil
	}
	return run, err
}
