package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	activities "satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
	"satchel/workflows/bulkexport"
)

// OpenBulkJob starts a job and returns when its days are taken from the quota and its
// row can be read. A rejection is a schema.Error; where no answer comes in time the
// error is Unavailable, and the row alone tells whether there is a job: from its Until
// on, for good.
func OpenBulkJob(ctx context.Context, c client.Client, in bulkexport.BulkJobInput) error {
	return updateWithStart(ctx, c, start{
		options: client.StartWorkflowOptions{
			ID: workflows.BulkJobID(in.ID), TaskQueue: workflows.TaskQueue, StaticSummary: "Bulk job " + in.ID + ": " + string(in.Type),
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			TypedSearchAttributes:    temporal.NewSearchAttributes(workflows.AccountAttribute.ValueSet(in.Account)),
			Priority:                 bulkexport.Priority(in.Account),
		},
		workflow: bulkexport.BulkJob, in: in,
	}, bulkexport.OpenUpdate)
}

// StopBulkJob deletes a job that has not ended, and returns once no day of it begins
// any more. Where the job's run is gone it is Unavailable: the sweep will end the job.
// by is a user or credential.
func StopBulkJob(ctx context.Context, c client.Client, job, by string) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.BulkJobID(job), UpdateName: bulkexport.StopUpdate, Args: []any{by},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if isNotFound(err) {
		lost := schema.Errorf(schema.Unavailable, schema.CodeJobInterrupted, "This job was interrupted on our side. No more of its days begin, and it will be ended soon.")
		lost.RetryAfter, lost.Cause = time.Minute, err
		return lost
	}
	return updateResult(ctx, handle, err)
}

// ConfigureBulk changes an account's daily exports of a type, and returns when the
// change is in effect.
func ConfigureBulk(ctx context.Context, c client.Client, account string, t schema.ResourceType, change bulkexport.Change) error {
	return updateWithStart(ctx, c, start{
		options:  useExisting(workflows.BulkConfigurationID(account, t), account, "Change the daily exports of "+string(t)),
		workflow: bulkexport.BulkConfiguration, in: bulkexport.BulkConfigurationInput{Account: account, Type: t},
	}, bulkexport.ChangeUpdate, change)
}

// EraseCall erases a call from the archive of an account, and returns once no new file
// will contain it. by is a user or credential.
func EraseCall(ctx context.Context, c client.Client, account, by string, e schema.Erasure) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	var rejection activities.Rejection
	run, err := c.ExecuteWorkflow(ctx, useExisting(workflows.CallErasureID(account, e.Call), account, "Erase an archived call"), bulkexport.CallErasure,
		bulkexport.CallErasureInput{Account: account, By: by, Calls: []schema.Erasure{e}})
	if err == nil {
		err = run.Get(ctx, &rejection)
	}
	if err != nil {
		return asUnavailable(err)
	}
	return rejection.Err()
}

// RequestRebuild starts the rebuild of an account's file of calls of a day, after a
// moment, unless one is about to start.
func RequestRebuild(ctx context.Context, c client.Client, account string, day schema.Day) error {
	options := useExisting(workflows.DayRebuildID(account, day), account, "Rebuild the Calls of "+string(day))
	options.StartDelay = bulkexport.RebuildDebounce
	if _, err := c.ExecuteWorkflow(ctx, options, bulkexport.DayRebuild, bulkexport.DayRebuildInput{Account: account, Day: day}); err != nil {
		return fmt.Errorf("request the rebuild of a day: %w", err)
	}
	return nil
}

// RemoveDayFile deletes a day file before its time, and returns when it is gone.
func RemoveDayFile(ctx context.Context, c client.Client, in bulkexport.DayFileRemovalInput) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, useExisting(workflows.DayFileRemovalID(in.File), in.Account, "Remove a day file"), bulkexport.DayFileRemoval, in)
	if err == nil {
		err = run.Get(ctx, nil)
	}
	return asUnavailable(err)
}

// ResendWebhook delivers a webhook once more, from the beginning, unless it is being
// delivered. A run of an event that is not pending, and that is open all the same,
// closes at this moment: the error is one of IsClosing then.
func ResendWebhook(ctx context.Context, c client.Client, e schema.Event) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	options := useExisting(workflows.WebhookID(e.ID), e.Account, "Webhook")
	if e.Status != schema.EventPending {
		options.WorkflowIDConflictPolicy, options.WorkflowExecutionErrorWhenAlreadyStarted = enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, true
	}
	_, err := c.ExecuteWorkflow(ctx, options, bulkexport.WebhookDelivery, bulkexport.WebhookDeliveryInput{Event: e.ID, Account: e.Account, Resend: true})
	return asUnavailable(err)
}

// IsClosing tells whether an error is about a run that closes at this moment.
func IsClosing(err error) bool {
	_, open := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err)
	return open
}

// useExisting starts a run, or uses the one that is open.
func useExisting(id, account, summary string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue, StaticSummary: summary,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		TypedSearchAttributes:    temporal.NewSearchAttributes(workflows.AccountAttribute.ValueSet(account)),
		Priority:                 bulkexport.Priority(account),
	}
}

// responseMargin is what remains of a caller's deadline to pass a result on.
const responseMargin = time.Second

// UpdateTimeout is how long a result is waited for from now on.
func UpdateTimeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(bulkexport.UpdateTimeout, time.Until(deadline)-responseMargin)
	}
	return bulkexport.UpdateTimeout
}

// detached ends after UpdateTimeout, also where ctx is cancelled before. A caller who
// leaves breaks nothing off: what was requested is done or not, never half.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), UpdateTimeout(ctx))
}

// start is a run that an update may have to start.
type start struct {
	options  client.StartWorkflowOptions
	workflow any
	in       any
}

// closingPause is how long a run that is closing is given.
const closingPause = 50 * time.Millisecond

// updateWithStart sends an update to a run, started with it where none is open, and
// returns the result. Where the run closes at this moment it sends the update again,
// unless the caller has left.
func updateWithStart(ctx context.Context, c client.Client, s start, update string, args ...any) error {
	calling, cancel := detached(ctx)
	defer cancel()
	for {
		handle, err := c.UpdateWithStartWorkflow(calling, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: c.NewWithStartWorkflowOperation(s.options, s.workflow, s.in),
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateName: update, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
			},
		})
		if !isNotFound(err) {
			return updateResult(calling, handle, err)
		}
		select {
		case <-time.After(closingPause):
		case <-ctx.Done():
			return ctx.Err()
		case <-calling.Done():
			return asUnavailable(err)
		}
	}
}

// updateResult waits for the result of an update, which is a Rejection.
func updateResult(ctx context.Context, handle client.WorkflowUpdateHandle, err error) error {
	if err != nil {
		return asUnavailable(err)
	}
	var rejection activities.Rejection
	if err := handle.Get(ctx, &rejection); err != nil {
		return asUnavailable(err)
	}
	return rejection.Err()
}

// asUnavailable tells the caller to try again where there was no result.
func asUnavailable(err error) error {
	if err == nil {
		return nil
	}
	away := schema.Errorf(schema.Unavailable, schema.CodeBusy, "This cannot be done right now. Please try again in a moment.")
	away.RetryAfter, away.Cause = 5*time.Second, err
	return away
}
