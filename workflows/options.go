package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/schema"
)

// named gives an activity the ID that operators call it by. It must be the only
// one of that name in its run.
func named(ctx workflow.Context, id string) workflow.Context {
	options := workflow.GetActivityOptions(ctx)
	options.ActivityID = id
	return workflow.WithActivityOptions(ctx, options)
}

// recording is for a few rows in our database: short, and tried for as long
// as anybody may wait for it.
func recording(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    20 * time.Second,
		ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:                summary,
	})
}

// streaming is for reading and writing whole categories and archives. A
// worker that dies is noticed after a missed heartbeat, and a cancelled
// attempt is waited for, lest it write again what removal has deleted.
func streaming(ctx workflow.Context, summary string, patience time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              StreamQueue,
		StartToCloseTimeout:    patience,
		ScheduleToCloseTimeout: patience,
		HeartbeatTimeout:       10 * time.Second,
		WaitForCancellation:    true,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:                summary,
	})
}

// mailing is for letters that must arrive before the window closes. An
// account may have many people, and the provider a limit: an attempt may take
// its time, and the next goes on behind it.
func mailing(ctx workflow.Context, summary string, window time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    10 * time.Minute,
		ScheduleToCloseTimeout: max(window, time.Minute),
		HeartbeatTimeout:       10 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute},
		Summary:                summary,
	})
}

// removing is for deletion, which has no deadline: it is tried until it is done.
func removing(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:             summary,
	})
}

// sweeping is for what one sweep tries for a while and leaves to the next.
func sweeping(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    10 * time.Minute,
		ScheduleToCloseTimeout: 10 * time.Minute,
		HeartbeatTimeout:       10 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:                summary,
	})
}

// answering is for what a caller waits to hear: it is given up before they are.
func answering(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: AnswerWithin,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Second},
		Summary:                summary,
	})
}

// AnswerWithin is how long a caller who waits for a verdict waits at most: less
// than Twilio's clients do.
const AnswerWithin = 8 * time.Second

// deciding is for what a caller waits to hear, and what must be known for good
// even when they have stopped waiting.
func deciding(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:                summary,
	})
}

// writing is for whole day files, on a queue of their own: however many days
// somebody wants, no account export waits behind them. The patience is with what
// fails, so it is a number of attempts: waiting for a place, or for a worker, uses
// none of it. Nobody wants a day any more that nobody has begun for a week. longest
// is how long one attempt may take.
func writing(ctx workflow.Context, summary string, longest, patience time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              DayQueue,
		StartToCloseTimeout:    longest,
		ScheduleToCloseTimeout: schema.DailyCatchUp + patience,
		HeartbeatTimeout:       10 * time.Second,
		WaitForCancellation:    true,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: firstPause, BackoffCoefficient: 2, MaximumInterval: longestPause(patience), MaximumAttempts: attemptsIn(patience),
		},
		Summary: summary,
	})
}

const (
	longestWriting = 12 * time.Hour // of one day file; a worker that died is noticed at once
	firstPause     = time.Second
)

// longestPause is how far apart attempts come to lie: a minute where there is
// half a day for them, a quarter of an hour where there is a week.
func longestPause(patience time.Duration) time.Duration {
	return max(time.Minute, patience/720)
}

// attemptsIn is how many attempts there are within a time, of what fails at once
// each time.
func attemptsIn(patience time.Duration) int32 {
	attempts, left, longest := int32(1), patience, longestPause(patience)
	for pause := firstPause; left > 0; pause = min(2*pause, longest) {
		left -= pause
		attempts++
	}
	return attempts
}

// delivering is for webhooks: a receiver may be away for hours. It has a queue of
// its own, so that only other webhooks wait behind receivers that are slow.
func delivering(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              HookQueue,
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: schema.WebhookRetryWindow,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumInterval: time.Hour},
		Summary:                summary,
	})
}
