package client

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	activities "satchel/activities/accountexport"
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

// OpenRuns lists the open runs of all account exports, page by page.
func OpenRuns(ctx context.Context, c client.Client) iter.Seq2[[]activities.OpenRun, error] {
	return func(yield func([]activities.OpenRun, error) bool) {
		request := &workflowservice.ListWorkflowExecutionsRequest{
			Query: "WorkflowType = 'AccountExport' AND CloseTime IS NULL", PageSize: 500,
		}
		for {
			found, err := c.ListWorkflow(ctx, request)
			if err != nil {
				yield(nil, fmt.Errorf("list the open exports: %w", err))
				return
			}
			var page []activities.OpenRun
			for _, info := range found.GetExecutions() {
				run, err := openRun(info)
				if err != nil {
					yield(nil, err)
					return
				}
				page = append(page, run)
			}
			if len(page) > 0 && !yield(page, nil) {
				return
			}
			if request.NextPageToken = found.GetNextPageToken(); len(request.NextPageToken) == 0 {
				return
			}
		}
	}
}

func openRun(info *workflowpb.WorkflowExecutionInfo) (run activities.OpenRun, err error) {
	id, from := info.GetExecution(), converter.GetDefaultDataConverter()
	var m memo
	if err = from.FromPayload(info.GetMemo().GetFields()[memoKey], &m); err == nil {
		err = from.FromPayload(info.GetSearchAttributes().GetIndexedFields()[workflows.StatusAttribute.GetName()], &run.Status)
	}
	if err != nil {
		return run, fmt.Errorf("read the run of %s: %w", id.GetWorkflowId(), err)
	}
	run.Account = strings.TrimPrefix(id.GetWorkflowId(), workflows.AccountExportID(""))
	run.Export, run.RunID, run.StartedAt = m.Export, id.GetRunId(), info.GetStartTime().AsTime()
	return run, nil
}

// HasOpened reports whether a run's first activity, which writes the export's row, has
// completed.
func HasOpened(ctx context.Context, c client.Client, run activities.OpenRun) (bool, error) {
	events := c.GetWorkflowHistory(ctx, workflows.AccountExportID(run.Account), run.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return false, fmt.Errorf("read the history of %s: %w", run.Export, err)
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED {
			return true, nil
		}
	}
	return false, nil
}

// TerminateRun terminates a run. Terminating a closed one succeeds.
func TerminateRun(ctx context.Context, c client.Client, run activities.OpenRun, reason string) error {
	err := c.TerminateWorkflow(ctx, workflows.AccountExportID(run.Account), run.RunID, reason)
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("terminate the run of %s: %w", run.Export, err)
	}
	return nil
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
