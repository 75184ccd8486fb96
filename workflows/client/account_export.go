package client

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"satchel/schema"
	"satchel/workflows"
	"satchel/workflows/accountexport"
)

// StartAccountExport starts an export, unless the account has one open: then the
// error satisfies temporal.IsWorkflowExecutionAlreadyStartedError.
func StartAccountExport(ctx context.Context, c client.Client, in accountexport.AccountExportInput) (client.WorkflowRun, error) {
	return c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       workflows.AccountExportID(in.Account),
		TaskQueue:                                workflows.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Account export " + in.ID,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			workflows.AccountAttribute.ValueSet(in.Account), workflows.StatusAttribute.ValueSet(string(schema.Pending))),
		Memo: map[string]any{memoKey: memo{
			Export: in.ID, RequestedBy: in.RequestedBy, RequestedAt: in.RequestedAt,
			ConfirmBy: in.RequestedAt.Add(in.Windows.Confirm),
		}},
		Priority: temporal.Priority{PriorityKey: 3, FairnessKey: in.Account},
	}, accountexport.AccountExport, in)
}

// memo lets the server show an export whose row is not written yet.
type memo struct {
	Export      string    `json:"export"`
	RequestedBy string    `json:"requestedBy"`
	RequestedAt time.Time `json:"requestedAt"`
	ConfirmBy   time.Time `json:"confirmBy"`
}

const memoKey = "export"

// OpenRun is an account's open export as its run's memo describes it. Reading it needs
// no worker.
type OpenRun struct {
	Export      string
	RequestedBy string
	RequestedAt time.Time
	ConfirmBy   time.Time
}

// FindOpen returns the account's open export, and false if there is none.
func FindOpen(ctx context.Context, c client.Client, account string) (OpenRun, bool, error) {
	description, err := c.DescribeWorkflowExecution(ctx, workflows.AccountExportID(account), "")
	if isNotFound(err) {
		return OpenRun{}, false, nil
	}
	if err != nil {
		return OpenRun{}, false, fmt.Errorf("describe the open export of %s: %w", account, err)
	}
	info := description.GetWorkflowExecutionInfo()
	if info.GetCloseTime() != nil { // not by status: a run that an operator has paused is open
		return OpenRun{}, false, nil
	}
	var m memo
	if err := converter.GetDefaultDataConverter().FromPayload(info.GetMemo().GetFields()[memoKey], &m); err != nil {
		return OpenRun{}, false, fmt.Errorf("read the memo of %s: %w", account, err)
	}
	return OpenRun(m), true, nil
}

// SignalExport sends a signal to the account's open run, and returns false if none is
// open. Temporal accepts signals without a running worker.
func SignalExport(ctx context.Context, c client.Client, account string, s accountexport.Signal, payload accountexport.SignalPayload) (bool, error) {
	err := c.SignalWorkflow(ctx, workflows.AccountExportID(account), "", string(s), payload)
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("signal %s to the export of %s: %w", s, account, err)
	}
	return true, nil
}
