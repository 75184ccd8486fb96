package workflows

import (
	"go.temporal.io/sdk/workflow"

	"satchel/schema"
)

// Signal is something that happened to an export, told to its run.
type Signal string

// What an account export listens for.
const (
	Confirmed Signal = "confirmed" // an owner or admin followed the link and agreed
	Cancelled Signal = "cancelled" // somebody wants it stopped before it is completed
	Removed   Signal = "removed"   // somebody wants the file gone before its time
	MailLost  Signal = "mail-lost" // the confirmation mail is wanted again
)

// Order says who sent a signal, and which export is meant: the next run of
// the same account must not hear what was said to this one. An operator may
// leave the export out to mean the one that is open.
type Order struct {
	Export string        `json:"export,omitempty"`
	By     string        `json:"by"`
	Seen   schema.Status `json:"seen,omitempty"` // the export's, where the order was given for it
}

// waits tells whether a signal was sent that nobody has taken in yet.
func (s Signal) waits(ctx workflow.Context) bool {
	return workflow.GetSignalChannel(ctx, string(s)).Len() > 0
}

// take takes in what was sent, and answers the first order that is meant for
// the export, or the first that was given for its file.
func (s Signal) take(ctx workflow.Context, export string) (order Order, meant bool) {
	arrived := workflow.GetSignalChannel(ctx, string(s))
	for {
		var next Order
		if !arrived.ReceiveAsync(&next) {
			return order, meant
		}
		better := !meant || next.Seen == schema.Completed && order.Seen != schema.Completed
		if better && (next.Export == "" || next.Export == export) {
			order, meant = next, true
		}
	}
}
