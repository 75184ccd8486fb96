// Package bulkexport has the activities of bulk exports: jobs, day files, daily
// exports, erased calls, webhooks, sweep, and what e-mails about jobs say.
package bulkexport

import (
	"context"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"

	"satchel/activities"
)

// Activities are the activities of bulk exports.
type Activities struct {
	Store     Store
	Source    Source
	Vault     Vault
	Archive   Archive // nil where none is configured: then no call can be erased
	Secrets   Secrets
	Hooks     Hooks
	Runs      Runs
	Schedules Schedules
	Count     Counters
	Off       bool          // there are no bulk exports: no daily export is written
	Grace     time.Duration // how long the sweep keeps objects without a row; 0 without a sweep

	HooksPerAccount int // webhooks of one account that are delivered at once; 0 is no limit
	hookSlots       accountSlots
	searchSlots     accountSlots

	refusals activities.Refusals
}

// eventID is the same for the same occurrence, so that it is recorded once.
func eventID(occurrence string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("satchel:"+occurrence)).String()
}

func logError(ctx context.Context, message, id string, err error) {
	activity.GetLogger(ctx).Error(message, "id", id, "err", err)
}
