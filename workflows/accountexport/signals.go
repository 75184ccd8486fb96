package accountexport

import (
	"go.temporal.io/sdk/workflow"

	"satchel/schema"
)

// Signal is the name of a signal to AccountExport.
type Signal string

// The signals that AccountExport receives.
const (
	Confirmed          Signal = "confirmed"           // an owner or admin confirmed the export
	Cancelled          Signal = "cancelled"           // the export is to be stopped before it is completed
	Removed            Signal = "removed"             // the archive is to be removed before its time
	ResendConfirmation Signal = "resend-confirmation" // the confirmation e-mail is to be sent again
)

// SignalPayload says who sent a signal, and for which export: a signal that arrives
// late must not affect the account's next export. An operator may leave Export empty to
// mean the open one.
type SignalPayload struct {
	Export     string        `json:"export,omitempty"`
	By         string        `json:"by"`
	SeenStatus schema.Status `json:"seen,omitempty"` // of the export, as the sender saw it
}

// isPending reports whether a signal of this name has arrived and was not received yet.
func (s Signal) isPending(ctx workflow.Context) bool {
	return workflow.GetSignalChannel(ctx, string(s)).Len() > 0
}

// receive receives all signals of this name and returns the first one for the export,
// or the first that was sent after the export was completed, if there is one.
func (s Signal) receive(ctx workflow.Context, export string) (payload SignalPayload, ok bool) {
	channel := workflow.GetSignalChannel(ctx, string(s))
	for {
		var next SignalPayload
		if !channel.ReceiveAsync(&next) {
			return payload, ok
		}
		better := !ok || next.SeenStatus == schema.Completed && payload.SeenStatus != schema.Completed
		if better && (next.Export == "" || next.Export == export) {
			payload, ok = next, true
		}
	}
}
