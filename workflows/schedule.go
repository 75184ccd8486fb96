package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// SweepID names the sweep's schedule, and begins the IDs of its runs.
const SweepID = "sweep"

// ScheduleSweep makes sure that the sweep runs every so often. Several workers
// may do so at once. A sweep that was missed is not caught up: the next one
// finds the same.
func ScheduleSweep(ctx context.Context, c client.Client, every, grace time.Duration) error {
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}, Jitter: every / 10}
	action := &client.ScheduleWorkflowAction{
		ID: SweepID, Workflow: Sweep, Args: []any{Sweeping{Grace: grace}}, TaskQueue: TaskQueue,
		StaticSummary: "Sweep up after lost runs",
		Priority:      temporal.Priority{PriorityKey: 4},
	}
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: SweepID, Spec: spec, Action: action,
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return wrap(err)
	}
	return wrap(c.ScheduleClient().GetHandle(ctx, SweepID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			schedule := in.Description.Schedule // an operator's pause stays
			schedule.Spec, schedule.Action = &spec, action
			return &client.ScheduleUpdate{Schedule: &schedule}, nil
		},
	}))
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("schedule the sweep: %w", err)
}
