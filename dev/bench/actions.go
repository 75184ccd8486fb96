package bench

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
)

// actionOf names the action of each event of a history that is one billable action, as
// Temporal's page "Temporal Cloud Actions" defines them. Besides:
//
//   - an activity is one action for each time it was started;
//   - markers (side effects, local activities) are one action for each workflow
//     task that records any; those of GetVersion are free, and so is the search
//     attribute it sets;
//   - a child workflow is two: the event here, and the start in its own history;
//   - a signal between workflows is counted where it arrives;
//   - a heartbeat that reaches the server is one and is in no history: the proxy of
//     counter counts it.
var actionOf = map[enumspb.EventType]string{
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:               "workflow starts",
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:              "signals",
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:       "updates",
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED:       "changed options",
	enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: "child workflows",
	enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:        "search attributes set",
	enumspb.EVENT_TYPE_TIMER_STARTED:                            "timers",
	enumspb.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED:                "Nexus operations",
	enumspb.EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUESTED:         "Nexus operations",
}

// Actions are numbers of billable actions by kind.
type Actions map[string]int

// Total returns the number of all actions.
func (a Actions) Total() (n int) {
	for _, of := range a {
		n += of
	}
	return n
}

const heartbeats = "heartbeats"

// billable counts the actions of one history.
func billable(events []*historypb.HistoryEvent) Actions {
	counted, tasks := Actions{}, map[int64]bool{}
	for _, event := range events {
		switch kind := event.GetEventType(); {
		case kind == enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			counted["activities"] += int(max(event.GetActivityTaskStartedEventAttributes().GetAttempt(), 1))
		case kind == enumspb.EVENT_TYPE_MARKER_RECORDED:
			marker := event.GetMarkerRecordedEventAttributes()
			if task := marker.GetWorkflowTaskCompletedEventId(); marker.GetMarkerName() != "Version" && !tasks[task] {
				tasks[task] = true
				counted["markers"]++
			}
		case kind == enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES && setsOnlyVersion(event): // free
		case actionOf[kind] != "":
			counted[actionOf[kind]]++
		}
	}
	return counted
}

func setsOnlyVersion(event *historypb.HistoryEvent) bool {
	fields := event.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()
	_, version := fields["TemporalChangeVersion"]
	return version && len(fields) == 1
}

// histories returns the events of a run and of its child workflows.
func (b *bench) histories(ctx context.Context, workflow, run string) (runs [][]*historypb.HistoryEvent, err error) {
	var events []*historypb.HistoryEvent
	reading := b.temporal.GetWorkflowHistory(ctx, workflow, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for reading.HasNext() {
		event, err := reading.Next()
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", workflow, err)
		}
		events = append(events, event)
		if child := event.GetChildWorkflowExecutionStartedEventAttributes().GetWorkflowExecution(); child != nil {
			more, err := b.histories(ctx, child.GetWorkflowId(), child.GetRunId())
			if err != nil {
				return nil, err
			}
			runs = append(runs, more...)
		}
	}
	return append(runs, events), nil
}
