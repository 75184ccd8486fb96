package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"satchel/schema"
)

// Satchel is the actor of deeds that nobody asked for but time.
const Satchel = "satchel"

// Activities are the hands of all workflows, registered once.
type Activities struct {
	Store  Store
	Source Source
	Vault  Vault
	Mail   Mailer
	Runs   Runs
	Links  schema.Links
	Site   schema.Site
	Count  Counters
}

// beat heartbeats until the returned function is called, so that a worker
// that dies is noticed and a cancelled activity hears of it, however long one
// step takes.
func beat(ctx context.Context) (stop func()) {
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
