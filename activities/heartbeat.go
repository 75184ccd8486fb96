package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// Heartbeat records heartbeats until stop is called, so that Temporal notices a
// worker that dies and a cancelled activity's context ends, however long one step
// takes.
func Heartbeat(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			case <-done:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { close(done) }
}
