package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// SweepID names the sweep's schedule, and begins the IDs of its runs.
const SweepID = "sweep"

// ScheduleSweep makes sure that the sweep runs every so often. Several workers
// may do so at once. A sweep that was missed is not caught up: the next one
// finds the same. A schedule that is as it should be is left alone, so that an
// operator can pause it while workers come and go.
func ScheduleSweep(ctx context.Context, c client.Client, every, grace time.Duration) error {
	in := Sweeping{Grace: grace}
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}, Jitter: every / 10}
	action := &client.ScheduleWorkflowAction{
		ID: SweepID, Workflow: Sweep, Args: []any{in}, TaskQueue: TaskQueue,
		StaticSummary: "Sweep up after lost runs",
		Priority:      temporal.Priority{PriorityKey: 4},
	}
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: SweepID, Spec: spec, Action: action,
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		err = c.ScheduleClient().GetHandle(ctx, SweepID).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(found client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				schedule := found.Description.Schedule
				if sweeps(schedule, spec, in) {
					return nil, temporal.ErrSkipScheduleUpdate
				}
				schedule.Spec, schedule.Action = &spec, action
				return &client.ScheduleUpdate{Schedule: &schedule}, nil
			},
		})
	}
	if err != nil {
		return fmt.Errorf("schedule the sweep: %w", err)
	}
	return nil
}

// sweeps tells whether the schedule starts the sweep when and as it should.
func sweeps(s client.Schedule, spec client.ScheduleSpec, in Sweeping) bool {
	action, ok := s.Action.(*client.ScheduleWorkflowAction)
	if !ok || action.TaskQueue != TaskQueue || len(action.Args) != 1 {
		return false
	}
	payload, ok := action.Args[0].(*commonpb.Payload)
	var has Sweeping
	return ok && converter.GetDefaultDataConverter().FromPayload(payload, &has) == nil && has == in &&
		slices.Equal(s.Spec.Intervals, spec.Intervals) && s.Spec.Jitter == spec.Jitter
}
