package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// ScheduleSweeps schedules all sweeps and starts each now, except those that an operator
// has paused: after a restart, what has happened meanwhile need not wait for the interval.
func ScheduleSweeps(ctx context.Context, c client.Client, every time.Duration, exports accountexport.SweepInput, bulk bulkexport.SweepInput) error {
	return errors.Join(
		scheduleSweep(ctx, c, workflows.AccountExportSweepID, accountexport.AccountExportSweep, exports, "Sweep account exports", every),
		scheduleSweep(ctx, c, workflows.AccountExportStorageSweepID, accountexport.AccountExportStorageSweep, exports, "Sweep the storage of account exports", every),
		scheduleSweep(ctx, c, workflows.BulkExportSweepID, bulkexport.BulkExportSweep, bulk, "Sweep bulk exports", every),
		scheduleSweep(ctx, c, workflows.BulkExportStorageSweepID, bulkexport.BulkExportStorageSweep, bulk, "Sweep the storage of bulk exports", every),
	)
}

// scheduleSweep may be called by several workers at once. Missed sweeps are not caught
// up: the next one does their work.
func scheduleSweep[In comparable](ctx context.Context, c client.Client, id string, sweep any, in In, summary string, every time.Duration) error {
	err := schedule(ctx, c, in, client.ScheduleOptions{
		ID:   id,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}, Jitter: every / 10},
		Action: &client.ScheduleWorkflowAction{
			ID: id, Workflow: sweep, Args: []any{in}, TaskQueue: workflows.TaskQueue,
			StaticSummary: summary,
			Priority:      temporal.Priority{PriorityKey: 4},
		},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: time.Minute,
	})
	if err != nil {
		return err
	}
	return triggerUnlessPaused(ctx, c, id)
}

func triggerUnlessPaused(ctx context.Context, c client.Client, id string) error {
	handle := c.ScheduleClient().GetHandle(ctx, id)
	found, err := handle.Describe(ctx)
	if err == nil && !found.Schedule.State.Paused {
		err = handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP})
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", id, err)
	}
	return nil
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
		Note: dailyNote(in.Limits, delay),
	})
}

// dailyNote identifies the settings of a daily export's schedule. A list of schedules
// contains notes, but neither inputs nor policies, so this shows which are up to date.
func dailyNote(limits schema.BulkLimits, delay time.Duration) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v %v %v", limits, delay, schema.DailyCatchUp))
	return "settings " + hex.EncodeToString(sum[:8])
}

// DailySchedule identifies the schedule of an account's daily exports of a type.
type DailySchedule struct {
	Account string
	Type    schema.ResourceType
}

// ListDaily lists the schedules of all daily exports, and whether each has these
// settings. One that was created or deleted a moment ago may be listed wrongly.
func ListDaily(ctx context.Context, c client.Client, limits schema.BulkLimits, delay time.Duration) (map[DailySchedule]bool, error) {
	list, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	note, found := dailyNote(limits, delay), map[DailySchedule]bool{}
	for list.HasNext() {
		entry, err := list.Next()
		if err != nil {
			return nil, fmt.Errorf("list schedules: %w", err)
		}
		if account, t, ok := workflows.ParseBulkDailyID(entry.ID); ok {
			found[DailySchedule{account, t}] = entry.Note == note
		}
	}
	return found, nil
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
				if !schedule.State.Paused { // else it is the reason that the operator gave
					schedule.State.Note = want.Note
				}
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
	if !s.State.Paused && s.State.Note != want.Note {
		return false
	}
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
