package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"satchel/activities"
	"satchel/schema"
)

// OpenBulkJob starts a job and answers when its days are taken from the quota
// and its row can be read. Where that can not be, it is the reason as a
// schema.Error; where nobody answers in time, it is Unavailable, and the row
// alone tells whether there is a job: from its Until on, for good.
func OpenBulkJob(ctx context.Context, c client.Client, in Job) error {
	return ask(ctx, c, started{
		options: client.StartWorkflowOptions{
			ID: BulkJobID(in.ID), TaskQueue: TaskQueue, StaticSummary: "Bulk job " + in.ID + ": " + string(in.Type),
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			TypedSearchAttributes:    temporal.NewSearchAttributes(exportAccount.ValueSet(in.Account)),
			Priority:                 bulkPriority(in.Account),
		},
		workflow: BulkJob, in: in,
	}, openJob)
}

// StopBulkJob deletes a job that has not ended, and answers once no day of it
// begins any more. Where the job's run is gone it is Unavailable: the sweep will
// end the job. by is a user or credential.
func StopBulkJob(ctx context.Context, c client.Client, job, by string) error {
	ctx, cancel := asking(ctx)
	defer cancel()
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: BulkJobID(job), UpdateName: stopJob, Args: []any{by}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if notFound := (*serviceerror.NotFound)(nil); errors.As(err, &notFound) {
		lost := schema.Errorf(schema.Unavailable, schema.CodeJobInterrupted, "This job was interrupted on our side. No more of its days begin, and it will be ended soon.")
		lost.RetryAfter, lost.Cause = time.Minute, err
		return lost
	}
	return heard(ctx, handle, err)
}

// ConfigureBulk changes what an account wants of a type every day, and answers
// when it holds.
func ConfigureBulk(ctx context.Context, c client.Client, account string, t schema.ResourceType, change Change) error {
	return ask(ctx, c, started{
		options:  joined(BulkConfigurationID(account, t), account, "Change what is exported every day"),
		workflow: BulkConfiguration, in: Configuring{Account: account, Type: t},
	}, changeConfiguration, change)
}

// EraseCall erases a call from the archive of an account, and answers once no
// new file will contain it. by is a user or credential.
func EraseCall(ctx context.Context, c client.Client, account, by string, e schema.Erasure) error {
	ctx, cancel := asking(ctx)
	defer cancel()
	var refusal activities.Refusal
	run, err := c.ExecuteWorkflow(ctx, joined(EraseCallsID(account, e.Call), account, "Erase an archived call"), EraseCalls,
		activities.Erase{Account: account, By: by, Calls: []schema.Erasure{e}})
	if err == nil {
		err = run.Get(ctx, &refusal)
	}
	if err != nil {
		return unheard(err)
	}
	return refusal.Err()
}

// MakeDayAgain starts to make an account's file of calls of a day again, in a
// moment, unless somebody is about to.
func MakeDayAgain(ctx context.Context, c client.Client, account string, day schema.Day) error {
	start := joined(RebuildDayID(account, day), account, "Make the Calls of "+string(day)+" again")
	start.StartDelay = gather
	if _, err := c.ExecuteWorkflow(ctx, start, RebuildDay, Rebuild{Account: account, Day: day}); err != nil {
		return fmt.Errorf("have a day made again: %w", err)
	}
	return nil
}

// RemoveDayFileNow deletes a day file before its time, and answers when it is gone.
func RemoveDayFileNow(ctx context.Context, c client.Client, in FileRemoval) error {
	ctx, cancel := asking(ctx)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, joined(RemoveDayFileID(in.File), in.Account, "Remove a day file"), RemoveDayFile, in)
	if err == nil {
		err = run.Get(ctx, nil)
	}
	return unheard(err)
}

// SendEventAgain delivers a webhook once more, from the beginning, unless it is
// being delivered. A run of one that is not, and is open all the same, closes
// this very moment: the error IsClosing then.
func SendEventAgain(ctx context.Context, c client.Client, e schema.Event) error {
	ctx, cancel := asking(ctx)
	defer cancel()
	start := joined(WebhookID(e.ID), e.Account, "Webhook")
	if e.Status != schema.EventPending {
		start.WorkflowIDConflictPolicy, start.WorkflowExecutionErrorWhenAlreadyStarted = enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, true
	}
	_, err := c.ExecuteWorkflow(ctx, start, Webhook, Event{ID: e.ID, Account: e.Account, Again: true})
	return unheard(err)
}

// IsClosing tells of an error that it is about a run that will be closed in a moment.
func IsClosing(err error) bool {
	_, open := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err)
	return open
}

// IsOpen tells whether a run of this workflow ID is open.
func IsOpen(ctx context.Context, c client.Client, id string) (bool, error) {
	found, err := c.DescribeWorkflowExecution(ctx, id, "")
	if notFound := (*serviceerror.NotFound)(nil); errors.As(err, &notFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask for the run of %s: %w", id, err)
	}
	return found.GetWorkflowExecutionInfo().GetCloseTime() == nil, nil
}

// joined starts a run, or joins the one that is open.
func joined(id, account, summary string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: id, TaskQueue: TaskQueue, StaticSummary: summary,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		TypedSearchAttributes:    temporal.NewSearchAttributes(exportAccount.ValueSet(account)),
		Priority:                 bulkPriority(account),
	}
}

// Waiting is how long an answer is waited for from now on: a second less than
// there is, for whoever passes it on.
func Waiting(ctx context.Context) time.Duration {
	if ends, ok := ctx.Deadline(); ok {
		return min(AnswerWithin, time.Until(ends)-time.Second)
	}
	return AnswerWithin
}

// asking ends when no answer is waited for any more. Whoever leaves meanwhile
// breaks nothing off: what was asked for is done or not, and never left in between.
func asking(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), Waiting(ctx))
}

// started is a run that an update may have to start.
type started struct {
	options  client.StartWorkflowOptions
	workflow any
	in       any
}

// ask sends an update to a run, started with it where it is not open, and
// answers what it answers. A run that closes this very moment is asked again.
func ask(ctx context.Context, c client.Client, s started, update string, args ...any) error {
	ctx, cancel := asking(ctx)
	defer cancel()
	for {
		handle, err := c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: c.NewWithStartWorkflowOperation(s.options, s.workflow, s.in),
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateName: update, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
			},
		})
		if notFound := (*serviceerror.NotFound)(nil); errors.As(err, &notFound) && ctx.Err() == nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		return heard(ctx, handle, err)
	}
}

func heard(ctx context.Context, handle client.WorkflowUpdateHandle, err error) error {
	if err != nil {
		return unheard(err)
	}
	var refusal activities.Refusal
	if err := handle.Get(ctx, &refusal); err != nil {
		return unheard(err)
	}
	return refusal.Err()
}

// unheard is what a caller hears where nobody answered: to try again.
func unheard(err error) error {
	if err == nil {
		return nil
	}
	away := schema.Errorf(schema.Unavailable, schema.CodeBusy, "This cannot be done right now. Please try again in a moment.")
	away.RetryAfter, away.Cause = 5*time.Second, err
	return away
}
