package bulkexport

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/schema"
	"satchel/workflows"
)

// UpdateTimeout is how long a caller waits for the result of an update at most: less
// than Twilio's clients do.
const UpdateTimeout = 8 * time.Second

// updateOptions are for what a caller waits for: retries end before the caller's
// patience does.
func updateOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: UpdateTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Second},
		Summary:                summary,
	})
}

// openJobOptions are for what a caller waits for, and what must be known for good
// also when the caller no longer waits.
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
// account export waits behind them. The retry window is a number of attempts, so that
// waiting for a slot or a worker uses none of it; a day that no worker has begun for a
// week is given up. maxDuration is how long one attempt may take.
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

// maxRetryInterval is the longest interval between attempts: a minute where they are
// made for half a day, a quarter of an hour where they are made for a week.
func maxRetryInterval(retryWindow time.Duration) time.Duration {
	return max(time.Minute, retryWindow/720)
}

// attemptsWithin is how many attempts fit in a retry window where each fails at once.
func attemptsWithin(retryWindow time.Duration) int32 {
	attempts, left, longest := int32(1), retryWindow, maxRetryInterval(retryWindow)
	for interval := initialRetryInterval; left > 0; interval = min(2*interval, longest) {
		left -= interval
		attempts++
	}
	return attempts
}

// webhookOptions are for webhooks, whose receivers may be away for hours. They have a
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

// Priority lets account exports go first, and keeps the days of one account from
// delaying those of another.
func Priority(account string) temporal.Priority {
	return temporal.Priority{PriorityKey: 4, FairnessKey: account}
}
