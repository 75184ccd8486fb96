package workflows

import "go.temporal.io/sdk/workflow"

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
	Export string `json:"export,omitempty"`
	By     string `json:"by"`
}

// listen calls heard for every signal that is meant for this export.
func (s Signal) listen(ctx workflow.Context, export string, heard func(Order)) {
	arrived := workflow.GetSignalChannel(ctx, string(s))
	workflow.GoNamed(ctx, string(s), func(ctx workflow.Context) {
		for {
			var order Order
			if !arrived.Receive(ctx, &order) {
				return
			}
			if order.Export == "" || order.Export == export {
				heard(order)
			}
		}
	})
}
