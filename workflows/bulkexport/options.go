package bulkexport

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/schema"
	"satchel/workflows"
)

// UpdateTimeout is the longest that a caller waits for the result of an update. It is
// shorter than the request timeout of Twilio's client libraries.
const UpdateTimeout = 8 * time.Second

// updateOptions are for activities whose result a caller waits for: retries end before
// the caller stops waiting.
func updateOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: UpdateTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Second},
		Summary:                summary,
	})
}

// findCallOptions are for reading a day file to its end, on the queue of what reads whole
// files, so that no erasure waits behind it. Small ones take less than a caller waits; for
// others the caller repeats the request.
func findCallOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              workflows.DayQueue,
		StartToCloseTimeout:    10 * time.Minute,
		ScheduleToCloseTimeout: 15 * time.Minute,
		HeartbeatTimeout:       workflows.HeartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:                summary,
	})
}

// openJobOptions are for opening a job. A caller waits for the result, so the first
// retries are quick; they continue after the caller has left, because the run must learn
// whether the job was opened.
func openJobOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:                summary,
	})
}

const (
	maxDayDuration       = 12 * time.Hour // of one attempt to write a day file; a dead worker is noticed by its heartbeats
	initialRetryInterval = time.Second
)

// dayFileOptions are for writing whole day files, on a queue of their own, so that no
// account export waits behind them. The retry window is expressed as a number of
// attempts, so that waiting for a slot or a worker uses none of it; a day that no worker
// has started for a week fails. maxDuration is how long one attempt may take.
func dayFileOptions(ctx workflow.Context, summary string, maxDuration, retryWindow time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              workflows.DayQueue,
		StartToCloseTimeout:    maxDuration,
		ScheduleToCloseTimeout: schema.DailyCatchUp + retryWindow,
		HeartbeatTimeout:       workflows.HeartbeatTimeout,
		WaitForCancellation:    true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: initialRetryInterval, BackoffCoefficient: 2,
			MaximumInterval: maxRetryInterval(retryWindow), MaximumAttempts: attemptsWithin(retryWindow),
		},
		Summary: summary,
	})
}

// maxRetryInterval is the longest interval between attempts: one minute for a retry
// window of half a day, 14 minutes for one of a week.
func maxRetryInterval(retryWindow time.Duration) time.Duration {
	return max(time.Minute, retryWindow/720)
}

// attemptsWithin is how many attempts fit in a retry window if each fails immediately.
func attemptsWithin(retryWindow time.Duration) int32 {
	attempts, left, longest := int32(1), retryWindow, maxRetryInterval(retryWindow)
	for interval := initialRetryInterval; left > 0; interval = min(2*interval, longest) {
		left -= interval
		attempts++
	}
	return attempts
}

// webhookOptions are for webhooks, whose receivers may be unavailable for hours. They have a
// queue of their own, so that only other webhooks wait behind slow receivers.
func webhookOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              workflows.HookQueue,
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: schema.WebhookRetryWindow,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumInterval: time.Hour},
		Summary:                summary,
	})
}

// Priority ranks bulk exports below account exports. Its fairness key keeps the tasks of
// one account from delaying those of another.
func Priority(account string) temporal.Priority {
	return temporal.Priority{PriorityKey: 4, FairnessKey: account}
}
