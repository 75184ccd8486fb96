package workflows

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
)

// Reading and writing whole categories and archives takes as long as an
// account is large. It has a queue of its own, so that no mail and no removal
// ever waits behind it.
// Day files of bulk exports have another, and so have webhooks, whose receivers
// may take their time.
const (
	TaskQueue   = "satchel"
	StreamQueue = "satchel-streams"
	DayQueue    = "satchel-days"
	HookQueue   = "satchel-hooks"
)

// Queues are all there are.
var Queues = []string{TaskQueue, StreamQueue, DayQueue, HookQueue}

// What operators can search exports by in Temporal.
var (
	exportAccount = temporal.NewSearchAttributeKeyKeyword("ExportAccount")
	exportStatus  = temporal.NewSearchAttributeKeyKeyword("ExportStatus")
)

// ClientOptions are what worker and server must agree on. Where Temporal is
// comes from its own TEMPORAL_… variables.
func ClientOptions(logger *slog.Logger) (client.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return client.Options{}, fmt.Errorf("read Temporal's settings: %w", err)
	}
	options.Logger = log.NewStructuredLogger(logger)
	return options, nil
}

// memo lets the server tell of an export whose row is still to be written.
type memo struct {
	Export      string    `json:"export"`
	RequestedBy string    `json:"requestedBy"`
	RequestedAt time.Time `json:"requestedAt"`
	ConfirmBy   time.Time `json:"confirmBy"`
}

const memoKey = "export"

// Options start this export, unless the account has one open: then the start
// fails with temporal.IsWorkflowExecutionAlreadyStartedError.
func (in Export) Options() client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                                       AccountExportID(in.Account),
		TaskQueue:                                TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Account export " + in.ID,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			exportAccount.ValueSet(in.Account), exportStatus.ValueSet("pending")),
		Memo: map[string]any{memoKey: memo{
			Export: in.ID, RequestedBy: in.RequestedBy, RequestedAt: in.RequestedAt,
			ConfirmBy: in.RequestedAt.Add(in.Windows.Confirm),
		}},
		Priority: temporal.Priority{PriorityKey: 3, FairnessKey: in.Account},
	}
}

// OpenRun is what Temporal knows of an account's open export, with or without
// a worker.
type OpenRun struct {
	Export      string
	RequestedBy string
	RequestedAt time.Time
	ConfirmBy   time.Time
}

// FindOpen asks Temporal for the account's open export, and answers false
// where there is none.
func FindOpen(ctx context.Context, c client.Client, account string) (OpenRun, bool, error) {
	found, err := c.DescribeWorkflowExecution(ctx, AccountExportID(account), "")
	if notFound := (*serviceerror.NotFound)(nil); errors.As(err, &notFound) {
		return OpenRun{}, false, nil
	}
	if err != nil {
		return OpenRun{}, false, fmt.Errorf("ask for the open export of %s: %w", account, err)
	}
	info := found.GetWorkflowExecutionInfo()
	if info.GetCloseTime() != nil { // a run that an operator has paused is open, too
		return OpenRun{}, false, nil
	}
	var m memo
	if err := converter.GetDefaultDataConverter().FromPayload(info.GetMemo().GetFields()[memoKey], &m); err != nil {
		return OpenRun{}, false, fmt.Errorf("read the memo of %s: %w", account, err)
	}
	return OpenRun(m), true, nil
}

// Tell sends a signal to the account's open run. It is accepted with or
// without a worker; where no run is open the answer is false.
func Tell(ctx context.Context, c client.Client, account string, s Signal, o Order) (bool, error) {
	err := c.SignalWorkflow(ctx, AccountExportID(account), "", string(s), o)
	if notFound := (*serviceerror.NotFound)(nil); errors.As(err, &notFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("signal %s to the export of %s: %w", s, account, err)
	}
	return true, nil
}
