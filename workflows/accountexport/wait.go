package accountexport

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"
)

// waitForSignal waits for one of the signals, and returns "" when the deadline has
// passed without any. A signal that was sent in time counts also where no worker was
// up to receive it; of several that have arrived, the first in the list counts. The
// timer is cancelled when the wait ends.
func (r *run) waitForSignal(ctx workflow.Context, deadline time.Time, summary string, signals ...Signal) (Signal, error) {
	timing, cancel := workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(timing, deadline.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: summary})
	signal := r.awaitSignal(ctx, timer.IsReady, signals...)
	cancel()
	return signal, ctx.Err()
}

// awaitSignal waits for one of the signals until over returns true or ctx is
// cancelled.
func (r *run) awaitSignal(ctx workflow.Context, over func() bool, signals ...Signal) Signal {
	ready := func() bool {
		return over() || slices.ContainsFunc(signals, func(s Signal) bool { return s.isPending(ctx) })
	}
	for {
		cancelled := workflow.Await(ctx, ready)
		if signal := r.receiveSignal(ctx, signals...); signal != "" || cancelled != nil || over() {
			return signal
		}
	}
}

// receiveSignal returns the first of the signals that was sent to this export, or "".
func (r *run) receiveSignal(ctx workflow.Context, signals ...Signal) Signal {
	for _, s := range signals {
		if payload, ok := s.receive(ctx, r.ID); ok {
			r.received[s] = payload
			return s
		}
	}
	return ""
}

func never() bool { return false }
