package client

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"satchel/schema"
	"satchel/workflows"
	"satchel/workflows/accountexport"
	"satchel/workflows/bulkexport"
)

// ScheduleAccountExportSweep schedules the sweep of account exports.
func ScheduleAccountExportSweep(ctx context.Context, c client.Client, every time.Duration, in accountexport.SweepInput) error {
	return scheduleSweep(ctx, c, workflows.AccountExportSweepID, accountexport.AccountExportSweep, in, "Sweep account exports", every)
}

// ScheduleBulkExportSweep schedules the sweep of bulk exports.
func ScheduleBulkExportSweep(ctx context.Context, c client.Client, every time.Duration, in bulkexport.SweepInput) error {
	return scheduleSweep(ctx, c, workflows.BulkExportSweepID, bulkexport.BulkExportSweep, in, "Sweep bulk exports", every)
}

// scheduleSweep may be called by several workers at once. Missed sweeps are not caught
// up: the next one does their work.
func scheduleSweep[In comparable](ctx context.Context, c client.Client, id string, sweep any, in In, summary string, every time.Duration) error {
	return schedule(ctx, c, in, client.ScheduleOptions{
		ID:   id,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}, Jitter: every / 10},
		Action: &client.ScheduleWorkflowAction{
			ID: id, Workflow: sweep, Args: []any{in}, TaskQueue: workflows.TaskQueue,
			StaticSummary: summary,
			Priority:      temporal.Priority{PriorityKey: 4},
		},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
	})
}

// ScheduleDaily schedules the daily exports of an account and type at this delay after
// midnight UTC. Runs that were missed while Temporal was unavailable are caught up. A
// day that keeps failing does not delay the following days.
func ScheduleDaily(ctx context.Context, c client.Client, in bulkexport.BulkDailyInput, delay time.Duration) error {
	id := workflows.BulkDailyID(in.Account, in.Type)
	return schedule(ctx, c, in, client.ScheduleOptions{
		ID:   id,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 24 * time.Hour, Offset: delay}}, Jitter: delay / 3},
		Action: &client.ScheduleWorkflowAction{
			ID: id, Workflow: bulkexport.BulkDaily, Args: []any{in}, TaskQueue: workflows.TaskQueue,
			StaticSummary:         "Yesterday's " + string(in.Type),
			TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AccountAttribute.ValueSet(in.Account)),
			Priority:              bulkexport.Priority(in.Account),
		},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, CatchupWindow: schema.DailyCatchUp,
	})
}

// UnscheduleDaily deletes the schedule of the daily exports of an account and type.
// Deleting what is gone succeeds.
func UnscheduleDaily(ctx context.Context, c client.Client, account string, t schema.ResourceType) error {
	err := c.ScheduleClient().GetHandle(ctx, workflows.BulkDailyID(account, t)).Delete(ctx)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete the schedule of a daily export: %w", err)
	}
	return nil
}

// schedule creates a schedule, or updates the existing one. It does not change one that
// is up to date, and an update keeps it paused if an operator has paused it.
func schedule[In comparable](ctx context.Context, c client.Client, in In, want client.ScheduleOptions) error {
	_, err := c.ScheduleClient().Create(ctx, want)
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		err = c.ScheduleClient().GetHandle(ctx, want.ID).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(found client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				schedule := found.Description.Schedule
				if isUpToDate(schedule, want, in) {
					return nil, temporal.ErrSkipScheduleUpdate
				}
				schedule.Spec, schedule.Action = &want.Spec, want.Action
				schedule.Policy = &client.SchedulePolicies{Overlap: want.Overlap, CatchupWindow: want.CatchupWindow}
				return &client.ScheduleUpdate{Schedule: &schedule}, nil
			},
		})
	}
	if err != nil {
		return fmt.Errorf("schedule %s: %w", want.ID, err)
	}
	return nil
}

// isUpToDate reports whether a schedule has the wanted times, policies, workflow and input.
func isUpToDate[In comparable](s client.Schedule, want client.ScheduleOptions, in In) bool {
	action, ok := s.Action.(*client.ScheduleWorkflowAction)
	wanted := want.Action.(*client.ScheduleWorkflowAction)
	if !ok || action.Workflow != typeName(wanted.Workflow) || action.TaskQueue != workflows.TaskQueue || len(action.Args) != 1 || s.Policy == nil ||
		s.Policy.Overlap != want.Overlap || s.Policy.CatchupWindow != want.CatchupWindow {
		return false
	}
	payload, ok := action.Args[0].(*commonpb.Payload)
	var has In
	return ok && converter.GetDefaultDataConverter().FromPayload(payload, &has) == nil && has == in &&
		slices.Equal(s.Spec.Intervals, want.Spec.Intervals) && s.Spec.Jitter == want.Spec.Jitter
}

// typeName is the registered name of a workflow function.
func typeName(workflow any) string {
	name := runtime.FuncForPC(reflect.ValueOf(workflow).Pointer()).Name()
	return name[strings.LastIndexByte(name, '.')+1:]
}
