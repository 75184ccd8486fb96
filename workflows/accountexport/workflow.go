// Package accountexport has the workflows of account exports: AccountExport and its
// sweep.
package accountexport

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/schema"
	"satchel/workflows"
)

// AccountExportInput is the input of AccountExport.
type AccountExportInput struct {
	ID          string
	Account     string
	RequestedBy string // user ID, or "" where the account's own credentials requested it
	RequestedAt time.Time
	Windows     schema.Windows
	Categories  []schema.Category // to collect, in archive order; all where there are none
}

// AccountExport runs one account's export from the request to the removal of its
// archive. It stays open until the archive is removed and the cooldown has passed,
// so that the uniqueness of its workflow ID keeps exports one at a time and a day
// apart.
func AccountExport(ctx workflow.Context, in AccountExportInput) error {
	r := newRun(in)
	if err := r.open(ctx); err != nil { // status pending
		return err
	}
	return r.finish(ctx, r.untilEnding(ctx))
}

// untilEnding goes through the life of an export and returns how it ended.
func (r *run) untilEnding(ctx workflow.Context) schema.Ending {
	if ending := r.awaitConfirmation(ctx); ending != nil {
		return *ending
	}
	if ending := r.build(ctx); ending != nil { // status confirmed, processing, completed
		return *ending
	}
	return r.serveUntilExpiry(ctx)
}

// The ways in which an export ends besides failing.
var (
	unconfirmed  = schema.Ending{Status: schema.Expired, Reason: schema.Unconfirmed}
	windowPassed = schema.Ending{Status: schema.Expired, Reason: schema.WindowPassed}
	deleted      = schema.Ending{Status: schema.Expired, Reason: schema.Deleted}
	cancelled    = schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}
)

// Register registers the workflows of account exports.
func Register(r workflows.Registry) {
	r.RegisterWorkflow(AccountExport)
	r.RegisterWorkflow(AccountExportSweep)
}
