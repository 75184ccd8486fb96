package schema

// Status is where an export stands.
type Status string

// An export moves pending → confirmed → processing → completed → expired, or
// ends early as expired (nobody confirmed), failed or cancelled.
const (
	Pending    Status = "pending"
	Confirmed  Status = "confirmed"
	Processing Status = "processing"
	Completed  Status = "completed"
	Expired    Status = "expired"
	Failed     Status = "failed"
	Cancelled  Status = "cancelled"
)

// Statuses lists every status in the order an export can pass through them.
var Statuses = []Status{Pending, Confirmed, Processing, Completed, Expired, Failed, Cancelled}

// Ended tells whether nothing more will happen to an export in this status.
func (s Status) Ended() bool { return s == Expired || s == Failed || s == Cancelled }

// Cancellable tells whether an export in this status can still be cancelled.
func (s Status) Cancellable() bool { return s == Pending || s == Confirmed || s == Processing }

// Reasons say which kind of ending an ended export had. A failed export's
// reason is a plain sentence instead; see FailedReason.
const (
	Unconfirmed     = "unconfirmed"   // expired: nobody confirmed in time
	WindowPassed    = "window_passed" // expired: the download window is over
	Deleted         = "deleted"       // expired: deleted early by an owner or admin
	CancelledReason = "cancelled"     // cancelled: stopped by an owner, admin or operator
)

// FailedReason is the plain sentence a failed export carries for the category
// that could not be read; "" stands for making the file itself.
func FailedReason(c Category) string {
	if c == "" {
		return "The file could not be made. Please ask for a new export."
	}
	return "We could not read your " + c.Title() + ". Please ask for a new export."
}

// InterruptedReason is the sentence of an export whose run was stopped from
// outside and could not end by itself.
const InterruptedReason = "The export was interrupted on our side. Please ask for a new export."

// CategoryStatus is where one category of an export stands.
type CategoryStatus string

// A category is waiting, is being read, or is done.
const (
	CategoryWaiting CategoryStatus = "waiting"
	CategoryReading CategoryStatus = "reading"
	CategoryDone    CategoryStatus = "done"
)
