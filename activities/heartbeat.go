package activities

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"satchel/schema"
)

// Heartbeat records heartbeats until stop is called, so that Temporal notices a
// worker that dies and a cancelled activity's context ends, however long one step
// takes.
func Heartbeat(ctx context.Context) (stop func()) {
	return heartbeat(ctx, func() []any { return nil })
}

// ReadingDetails are the details of a heartbeat while an activity reads the platform's
// database.
type ReadingDetails struct {
	WaitsForSourceSince time.Time `json:"waitsForSourceSince"`
}

// HeartbeatReading is Heartbeat for what reads the platform's database under the context
// that it returns. While the database sends nothing, the heartbeats say so.
func HeartbeatReading(ctx context.Context) (reading context.Context, stop func()) {
	var since atomic.Pointer[time.Time]
	reading = schema.WithWaitObserver(ctx, func(waiting bool) {
		since.Store(nil)
		if now := time.Now().UTC(); waiting {
			since.Store(&now)
		}
	})
	return reading, heartbeat(ctx, func() []any {
		if at := since.Load(); at != nil {
			return []any{ReadingDetails{WaitsForSourceSince: *at}}
		}
		return nil
	})
}

func heartbeat(ctx context.Context, details func() []any) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				activity.RecordHeartbeat(ctx, details()...)
			case <-done:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { close(done) }
}
