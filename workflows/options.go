package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// HeartbeatTimeout is how long an activity may miss heartbeats before Temporal retries it
// on another worker.
const HeartbeatTimeout = 10 * time.Second

// WithActivityID gives an activity an ID that operators can use in commands. It must
// be unique within the run.
func WithActivityID(ctx workflow.Context, id string) workflow.Context {
	options := workflow.GetActivityOptions(ctx)
	options.ActivityID = id
	return workflow.WithActivityOptions(ctx, options)
}

// DatabaseOptions are for reading or writing a few rows of our database: attempts are
// short, and retried for a day.
func DatabaseOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    20 * time.Second,
		ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:                summary,
	})
}

// StreamOptions are for reading and writing whole categories and archives, retried
// for the window. Cancellation waits until the attempt has stopped, so that it cannot
// write objects after their removal.
func StreamOptions(ctx workflow.Context, summary string, retryWindow time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              StreamQueue,
		StartToCloseTimeout:    retryWindow,
		ScheduleToCloseTimeout: retryWindow,
		HeartbeatTimeout:       HeartbeatTimeout,
		WaitForCancellation:    true,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:                summary,
	})
}

// EmailOptions are for e-mails, retried for the window. An account may have many
// users and the provider has a rate limit: an attempt may take minutes, and the next
// one sends only what is left.
func EmailOptions(ctx workflow.Context, summary string, retryWindow time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              EmailQueue,
		StartToCloseTimeout:    10 * time.Minute,
		ScheduleToCloseTimeout: max(retryWindow, time.Minute),
		HeartbeatTimeout:       HeartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute},
		Summary:                summary,
	})
}

// PersistentDatabaseOptions are for reading or writing a few rows of our database when a
// run ends or deletes something: retried until that succeeds.
func PersistentDatabaseOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 20 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:             summary,
	})
}

// RemovalOptions are for deleting objects, which is retried until it succeeds.
func RemovalOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           RemovalQueue,
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    HeartbeatTimeout,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:             summary,
	})
}

// SweepOptions are for the activities of a sweep: what does not succeed in time is left
// to the next sweep. The queue is that of what the activity may have to wait for.
func SweepOptions(ctx workflow.Context, queue, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              queue,
		StartToCloseTimeout:    10 * time.Minute,
		ScheduleToCloseTimeout: 10 * time.Minute,
		HeartbeatTimeout:       HeartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:                summary,
	})
}

// WithFairness makes an activity of a sweep count as work of the account, so that many
// of one account do not delay those of another.
func WithFairness(ctx workflow.Context, account string) workflow.Context {
	options := workflow.GetActivityOptions(ctx)
	options.Priority = temporal.Priority{PriorityKey: 4, FairnessKey: account}
	return workflow.WithActivityOptions(ctx, options)
}
