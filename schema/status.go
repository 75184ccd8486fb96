package schema

// Status is the status of an export.
type Status string

// An export moves pending → confirmed → processing → completed → expired, or
// ends early as expired (not confirmed in time), failed or cancelled.
const (
	Pending    Status = "pending"
	Confirmed  Status = "confirmed"
	Processing Status = "processing"
	Completed  Status = "completed"
	Expired    Status = "expired"
	Failed     Status = "failed"
	Cancelled  Status = "cancelled"
)

// Statuses lists every status, in the order in which an export can have them.
var Statuses = []Status{Pending, Confirmed, Processing, Completed, Expired, Failed, Cancelled}

// Ended reports whether the status of an export is final.
func (s Status) Ended() bool { return s == Expired || s == Failed || s == Cancelled }

// Cancellable reports whether an export in this status can be cancelled: it is
// neither completed nor ended.
func (s Status) Cancellable() bool { return s == Pending || s == Confirmed || s == Processing }

// Reasons of ended exports. The reason of a failed one is a plain sentence
// instead; see ReasonFailed.
const (
	ReasonUnconfirmed  = "unconfirmed"   // expired: not confirmed in time
	ReasonWindowPassed = "window_passed" // expired: the download window is over
	ReasonDeleted      = "deleted"       // expired: deleted early by an owner or admin
	ReasonCancelled    = "cancelled"     // cancelled: stopped by an owner, admin or operator
)

// ReasonFailed returns the sentence for an export that failed because a category
// could not be read, or because of the archive itself if that is "".
func ReasonFailed(c Category) string {
	if c == "" {
		return "The file could not be created. Please request a new export."
	}
	return "We could not read your " + c.Title() + ". Please request a new export."
}

// ReasonInterrupted is the sentence for an export whose workflow was terminated
// or lost.
const ReasonInterrupted = "The export was interrupted on our side. Please request a new export."

// CategoryStatus is the status of one category of an export.
type CategoryStatus string

// A category is waiting, is being read, or is done. It is waiting also while the next
// attempt to read it waits for what did not answer.
const (
	CategoryWaiting CategoryStatus = "waiting"
	CategoryReading CategoryStatus = "reading"
	CategoryDone    CategoryStatus = "done"
)
