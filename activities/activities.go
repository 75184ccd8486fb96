package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"satchel/schema"
)

// Who does what no user asked for.
const (
	Satchel  = schema.ActorSatchel
	Operator = schema.ActorOperator
)

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
	Grace  time.Duration // how long the sweep leaves what no row knows; 0 where there is none

	Bulk      BulkStore
	Days      BulkSource
	Archive   Archive // nil where nobody has said where it is: then no call can be erased
	Secrets   Secrets
	Hooks     Hooks
	Schedules Schedules
}

// account finds the account in the source. A replica may not have heard of it
// yet, and a policy may hide it: both are for another attempt to mend.
func (a *Activities) account(ctx context.Context, id string) (schema.Account, error) {
	account, err := a.Source.Account(ctx, id)
	return account, accountUnseen(err)
}

func accountUnseen(err error) error {
	if schema.KindOf(err) == schema.NotFound {
		return unseen("The source database does not show the account.")
	}
	return err
}

func unseen(message string) error {
	return schema.Errorf(schema.Unavailable, schema.CodeNotSeen, "%s", message)
}

func isUnseen(err error) bool {
	known, ok := errors.AsType[*schema.Error](err)
	return ok && known.Code == schema.CodeNotSeen
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
