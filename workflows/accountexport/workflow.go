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
// archive. It stays open until the archive is removed and the cooldown has passed: its
// workflow ID is unique among open runs, so an account has one export at a time and
// the cooldown lies between two.
func AccountExport(ctx workflow.Context, in AccountExportInput) error {
	r := newRun(in)
	if err := r.open(ctx); err != nil { // status pending
		return err
	}
	return r.finish(ctx, r.runPhases(ctx))
}

// runPhases runs the phases of an export in order and returns how it ended.
func (r *run) runPhases(ctx workflow.Context) schema.Ending {
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
	unconfirmed  = schema.Ending{Status: schema.Expired, Reason: schema.ReasonUnconfirmed}
	windowPassed = schema.Ending{Status: schema.Expired, Reason: schema.ReasonWindowPassed}
	deleted      = schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}
	cancelled    = schema.Ending{Status: schema.Cancelled, Reason: schema.ReasonCancelled}
)

// Register registers the workflows of account exports.
func Register(r workflows.Registry) {
	r.RegisterWorkflow(AccountExport)
	r.RegisterWorkflow(AccountExportSweep)
	r.RegisterWorkflow(AccountExportStorageSweep)
}
