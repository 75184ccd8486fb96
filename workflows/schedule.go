package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"satchel/schema"
)

// SweepID names the sweep's schedule, and begins the IDs of its runs.
const SweepID = "sweep"

// SweepBulkID names the schedule of the sweep of bulk exports.
const SweepBulkID = "sweep-bulk"

// ScheduleSweep makes sure that the sweep runs every so often.
func ScheduleSweep(ctx context.Context, c client.Client, every, grace time.Duration) error {
	return scheduleSweep(ctx, c, SweepID, Sweep, Sweeping{Grace: grace}, "Sweep up after lost runs", every)
}

// ScheduleSweepBulk makes sure that the sweep of bulk exports runs every so often.
func ScheduleSweepBulk(ctx context.Context, c client.Client, every, grace time.Duration, limits schema.BulkLimits) error {
	return scheduleSweep(ctx, c, SweepBulkID, SweepBulk, SweepingBulk{Sweeping{grace}, limits}, "Sweep up day files and jobs", every)
}

// scheduleSweep may be called by several workers at once. A sweep that was
// missed is not caught up: the next one finds the same. A schedule that is as
// it should be is left alone, so that an operator can pause it while workers come
// and go.
func scheduleSweep[In comparable](ctx context.Context, c client.Client, id string, sweep any, in In, summary string, every time.Duration) error {
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}, Jitter: every / 10}
	action := &client.ScheduleWorkflowAction{
		ID: id, Workflow: sweep, Args: []any{in}, TaskQueue: TaskQueue,
		StaticSummary: summary,
		Priority:      temporal.Priority{PriorityKey: 4},
	}
	return schedule(ctx, c, in, client.ScheduleOptions{
		ID: id, Spec: spec, Action: action,
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
	})
}

// ScheduleDaily makes sure that an account's day of one type is written every
// day, so long after midnight UTC. Days missed while Temporal was away are caught
// up. A day that keeps failing, for a week if need be, keeps no other.
func ScheduleDaily(ctx context.Context, c client.Client, in Daily, delay time.Duration) error {
	return schedule(ctx, c, in, client.ScheduleOptions{
		ID:   BulkDailyID(in.Account, in.Type),
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 24 * time.Hour, Offset: delay}}, Jitter: delay / 3},
		Action: &client.ScheduleWorkflowAction{
			ID: BulkDailyID(in.Account, in.Type), Workflow: BulkDaily, Args: []any{in}, TaskQueue: TaskQueue,
			StaticSummary:         "Yesterday's " + string(in.Type),
			TypedSearchAttributes: temporal.NewSearchAttributes(exportAccount.ValueSet(in.Account)),
			Priority:              bulkPriority(in.Account),
		},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, CatchupWindow: schema.DailyCatchUp,
	})
}

// UnscheduleDaily ends an account's daily exports of one type. Ending what is
// not there succeeds.
func UnscheduleDaily(ctx context.Context, c client.Client, account string, t schema.ResourceType) error {
	err := c.ScheduleClient().GetHandle(ctx, BulkDailyID(account, t)).Delete(ctx)
	if notFound := (*serviceerror.NotFound)(nil); errors.As(err, &notFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end a daily export: %w", err)
	}
	return nil
}

// schedule makes a schedule, or makes the one that is there as wanted.
func schedule[In comparable](ctx context.Context, c client.Client, in In, want client.ScheduleOptions) error {
	_, err := c.ScheduleClient().Create(ctx, want)
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		err = c.ScheduleClient().GetHandle(ctx, want.ID).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(found client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				schedule := found.Description.Schedule
				if isAsWanted(schedule, want, in) {
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

// isAsWanted tells whether a schedule starts its action when and as it should.
func isAsWanted[In comparable](s client.Schedule, want client.ScheduleOptions, in In) bool {
	action, ok := s.Action.(*client.ScheduleWorkflowAction)
	if !ok || action.TaskQueue != TaskQueue || len(action.Args) != 1 || s.Policy == nil ||
		s.Policy.Overlap != want.Overlap || s.Policy.CatchupWindow != want.CatchupWindow {
		return false
	}
	payload, ok := action.Args[0].(*commonpb.Payload)
	var has In
	return ok && converter.GetDefaultDataConverter().FromPayload(payload, &has) == nil && has == in &&
		slices.Equal(s.Spec.Intervals, want.Spec.Intervals) && s.Spec.Jitter == want.Spec.Jitter
}
