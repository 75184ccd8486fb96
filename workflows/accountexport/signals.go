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

// SignalPayload says who sent a signal, and for which export: the next run of the
// same account must not receive what was sent to this one. An operator may leave the
// export out to mean the one that is open.
type SignalPayload struct {
	Export     string        `json:"export,omitempty"`
	By         string        `json:"by"`
	SeenStatus schema.Status `json:"seen,omitempty"` // the export's when the signal was sent
}

// isPending tells whether a signal was sent that was not received yet.
func (s Signal) isPending(ctx workflow.Context) bool {
	return workflow.GetSignalChannel(ctx, string(s)).Len() > 0
}

// receive receives all signals of this name and returns the first that is meant for
// the export, preferring one that was sent after the export was completed.
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
