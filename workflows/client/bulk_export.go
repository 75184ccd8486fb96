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

	bulkactivities "satchel/activities/bulkexport"
	"satchel/schema"
	"satchel/workflows"
	"satchel/workflows/bulkexport"
)

// OpenBulkJob starts a job and returns once its days are taken from the quota and its
// row can be read. A rejection is a schema.Error. If no result arrives in time, the
// error is Unavailable and only the job's row tells whether it was opened; after Until
// that no longer changes.
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

// StopBulkJob deletes a job that has not ended, and returns once no further day of it
// begins. If the job's run is gone the error is Unavailable: the sweep will end the job.
// by is the ID of a user or credential.
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
// will contain it. by is the ID of a user or credential. gone says that the platform shows
// no record of the call: then it is NotFound unless the file of its day holds it.
func EraseCall(ctx context.Context, c client.Client, account, by string, e schema.Erasure, gone bool) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	var rejection bulkactivities.Rejection
	run, err := c.ExecuteWorkflow(ctx, useExisting(workflows.CallErasureID(account, e.Call), account, "Erase an archived call"), bulkexport.CallErasure,
		bulkexport.CallErasureInput{Account: account, By: by, Calls: []schema.Erasure{e}, Gone: gone})
	if err == nil {
		err = run.Get(ctx, &rejection)
	}
	if err != nil {
		return asUnavailable(err)
	}
	return rejection.Err()
}

// RequestRebuild starts the rebuild of an account's file of calls of a day, after
// bulkexport.RebuildDebounce, unless such a run is open.
func RequestRebuild(ctx context.Context, c client.Client, account string, day schema.Day) error {
	options := useExisting(workflows.DayRebuildID(account, day), account, "Rebuild the file of Calls of "+string(day))
	options.StartDelay = bulkexport.RebuildDebounce
	if _, err := c.ExecuteWorkflow(ctx, options, bulkexport.DayRebuild, bulkexport.DayRebuildInput{Account: account, Day: day}); err != nil {
		return fmt.Errorf("request the rebuild of a day: %w", err)
	}
	return nil
}

// RemoveDayFile deletes a day file before it expires, and returns once it is gone.
func RemoveDayFile(ctx context.Context, c client.Client, in bulkexport.DayFileRemovalInput) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, useExisting(workflows.DayFileRemovalID(in.File), in.Account, "Remove a day file"), bulkexport.DayFileRemoval, in)
	if err == nil {
		err = run.Get(ctx, nil)
	}
	return asUnavailable(err)
}

// ResendWebhook delivers a webhook again, with all its retries, unless it is being
// delivered. If the event is not pending and its run is still open, that run is about to
// close: the error then satisfies IsClosing.
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

// IsClosing reports whether an error of ResendWebhook says that the open run is about to
// close.
func IsClosing(err error) bool {
	_, closing := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err)
	return closing
}

// useExisting returns options that start a run, or use the open one of the same ID.
func useExisting(id, account, summary string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue, StaticSummary: summary,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		TypedSearchAttributes:    temporal.NewSearchAttributes(workflows.AccountAttribute.ValueSet(account)),
		Priority:                 bulkexport.Priority(account),
	}
}

// responseMargin is how much of a caller's deadline is left to send the response.
const responseMargin = time.Second

// UpdateTimeout is how long to wait for a result from now on.
func UpdateTimeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(bulkexport.UpdateTimeout, time.Until(deadline)-responseMargin)
	}
	return bulkexport.UpdateTimeout
}

// detached returns a context that ends after UpdateTimeout even if ctx is cancelled
// earlier: a client that disconnects does not interrupt a request halfway.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), UpdateTimeout(ctx))
}

// start describes the run that an update is sent to, and is started for if none is open.
type start struct {
	options  client.StartWorkflowOptions
	workflow any
	in       any
}

// closingPause is how long to wait for a run that is about to close.
const closingPause = 50 * time.Millisecond

// updateWithStart sends an update to the open run, or to one that it starts, and waits
// for the result. If the run closes before it takes the update, the update is sent again
// until ctx is cancelled.
func updateWithStart(ctx context.Context, c client.Client, s start, update string, args ...any) error {
	callCtx, cancel := detached(ctx)
	defer cancel()
	for {
		handle, err := c.UpdateWithStartWorkflow(callCtx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: c.NewWithStartWorkflowOperation(s.options, s.workflow, s.in),
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateName: update, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
			},
		})
		if !isNotFound(err) {
			return updateResult(callCtx, handle, err)
		}
		select {
		case <-time.After(closingPause):
		case <-ctx.Done():
			return ctx.Err()
		case <-callCtx.Done():
			return asUnavailable(err)
		}
	}
}

// updateResult waits for the result of an update, a Rejection, and returns it as an
// error.
func updateResult(ctx context.Context, handle client.WorkflowUpdateHandle, err error) error {
	if err != nil {
		return asUnavailable(err)
	}
	var rejection bulkactivities.Rejection
	if err := handle.Get(ctx, &rejection); err != nil {
		return asUnavailable(err)
	}
	return rejection.Err()
}

// asUnavailable returns an error of kind Unavailable for a request without a result.
func asUnavailable(err error) error {
	if err == nil {
		return nil
	}
	unavailable := schema.Errorf(schema.Unavailable, schema.CodeBusy, "This cannot be done right now. Please try again in a moment.")
	unavailable.RetryAfter, unavailable.Cause = 5*time.Second, err
	return unavailable
}
