package accountexport

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"
)

// waitForSignal waits for one of the signals and returns it, or "" if the deadline
// passes first. A signal that arrived in time counts even if no worker was running. If
// several have arrived, it returns the one that comes first in the list. The timer is
// cancelled when the wait ends.
func (r *run) waitForSignal(ctx workflow.Context, deadline time.Time, summary string, signals ...Signal) (Signal, error) {
	timerCtx, cancel := workflow.WithCancel(ctx)
	timer := workflow.NewTimerWithOptions(timerCtx, deadline.Sub(workflow.Now(ctx)), workflow.TimerOptions{Summary: summary})
	signal := r.awaitSignal(ctx, timer.IsReady, signals...)
	cancel()
	return signal, ctx.Err()
}

// awaitSignal waits for one of the signals until expired returns true or ctx is
// cancelled. It returns "" if none arrived.
func (r *run) awaitSignal(ctx workflow.Context, expired func() bool, signals ...Signal) Signal {
	ready := func() bool {
		return expired() || slices.ContainsFunc(signals, func(s Signal) bool { return s.isPending(ctx) })
	}
	for {
		err := workflow.Await(ctx, ready)
		if signal := r.receiveSignal(ctx, signals...); signal != "" || err != nil || expired() {
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
