package schema

import (
	"slices"
	"time"
)

// ResourceType is what a bulk export can hold, as Twilio spells it.
type ResourceType string

// The four resource types. Each has a query in schema/days.
const (
	Messages     ResourceType = "Messages"
	Calls        ResourceType = "Calls"
	Conferences  ResourceType = "Conferences"
	Participants ResourceType = "Participants"
)

// ResourceTypes lists the resource types in the order in which pages show them.
var ResourceTypes = []ResourceType{Messages, Calls, Conferences, Participants}

// IsResourceType reports whether name is the name of a resource type. It is case-sensitive.
func IsResourceType(name string) bool { return slices.Contains(ResourceTypes, ResourceType(name)) }

// DayStatus is the status of one day of a job, as Twilio spells it.
type DayStatus string

// A day is submitted, runs and ends; see Ended.
const (
	DaySubmitted          DayStatus = "Submitted"
	DayRunning            DayStatus = "Running"
	DayErrorDuringRun     DayStatus = "ErrorDuringRun" // an attempt failed, and another will follow
	DayCompleted          DayStatus = "Completed"
	DayCompletedEmpty     DayStatus = "CompletedEmptyRecords"
	DayFailed             DayStatus = "Failed"
	DayRunningToBeDeleted DayStatus = "RunningToBeDeleted"
	DayDeleted            DayStatus = "DeletedByUserRequest"
)

// DayStatuses lists the statuses in the order in which a job's details show them.
var DayStatuses = []DayStatus{DaySubmitted, DayRunning, DayErrorDuringRun, DayCompleted, DayCompletedEmpty, DayFailed, DayRunningToBeDeleted, DayDeleted}

// Ended reports whether the status of a day is final.
func (s DayStatus) Ended() bool {
	return s == DayCompleted || s == DayCompletedEmpty || s == DayFailed || s == DayDeleted
}

// JobRequest is what the caller sets on a job beyond its days. It holds
// personal data, which a workflow history must not, so it travels sealed.
type JobRequest struct {
	Name  string `json:"name"`
	Hook  Hook   `json:"hook"`
	Email string `json:"email"`
}

// NewJob is a job to be created.
type NewJob struct {
	JobRequest
	ID           string
	Account      string
	QuotaAccount string // the account whose quota it uses: the parent account, or the account itself
	Type         ResourceType
	Start, End   Day
	RequestedBy  string    // user ID, or "" for the account's own credentials
	QuotaDays    int       // of the quota account, in one UTC day
	Deadline     time.Time // by the database's clock: from then on opening fails with CodeTooLate; zero means no deadline
}

// Job is a custom job as its row holds it.
type Job struct {
	ID      string       `db:"id"`
	Account string       `db:"account_sid"`
	Type    ResourceType `db:"resource_type"`
	Name    string       `db:"friendly_name"`
	Start   Day          `db:"start_day"`
	End     Day          `db:"end_day"`
	Hook
	Email       string     `db:"email"`
	Undelivered bool       `db:"undelivered"` // the e-mail to Email was rejected for good
	RequestedBy string     `db:"requested_by"`
	CreatedAt   time.Time  `db:"created_at"`
	DeletingAt  *time.Time `db:"deleting_at"` // when deletion was requested
	EndedAt     *time.Time `db:"ended_at"`    // when its last day ended
	Days        []JobDay   `db:"-"`           // ascending, each once
}

// JobDay is one day of a job.
type JobDay struct {
	Day     Day       `db:"day"`
	Status  DayStatus `db:"status"`
	Records int64     `db:"records"`
}

// QueueStatus is the position of an unfinished job among all unfinished jobs.
type QueueStatus struct {
	Position     int       // 1 is next; 0 if none of its days waits
	EstimatedEnd time.Time // when its last day is expected to end
}
