package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"
)

// await waits for one of the signals, and answers "" once the time has come
// without any. What was sent in time counts, however late a worker comes to
// hear it; and of what has come together, the first that is asked for. The
// timer does not outlive the wait.
func (e *accountExport) await(ctx workflow.Context, until time.Time, summary string, signals ...Signal) (Signal, error) {
	timing, stop := workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(timing, until.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: summary})
	heard := e.listen(ctx, timer.IsReady, signals...)
	stop()
	return heard, ctx.Err()
}

// listen waits for one of the signals until it is over, or ctx is cancelled.
func (e *accountExport) listen(ctx workflow.Context, over func() bool, signals ...Signal) Signal {
	wake := func() bool {
		return over() || slices.ContainsFunc(signals, func(s Signal) bool { return s.waits(ctx) })
	}
	for {
		cancelled := workflow.Await(ctx, wake)
		if heard := e.hear(ctx, signals...); heard != "" || cancelled != nil || over() {
			return heard
		}
	}
}

// hear answers the first of the signals that was sent to this export, or "".
func (e *accountExport) hear(ctx workflow.Context, signals ...Signal) Signal {
	for _, s := range signals {
		if order, sent := s.take(ctx, e.ID); sent {
			e.orders[s] = order
			return s
		}
	}
	return ""
}

// within waits until something is so, or the window closes, and tells whether it
// is. The timer does not outlive the wait.
func within(ctx workflow.Context, window time.Duration, summary string, is func() bool) (bool, error) {
	timing, stop := workflow.WithCancel(ctx)
	so, err := workflow.AwaitWithOptions(timing, workflow.AwaitOptions{
		Timeout: window, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, is)
	stop()
	return so, err
}

func never() bool { return false }
