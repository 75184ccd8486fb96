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

// ResourceTypes lists them in the order pages show them.
var ResourceTypes = []ResourceType{Messages, Calls, Conferences, Participants}

// IsResourceType tells whether name is one of them, letter case included.
func IsResourceType(name string) bool { return slices.Contains(ResourceTypes, ResourceType(name)) }

// DayStatus is where one day of a job stands, as Twilio spells it.
type DayStatus string

// A day waits, runs and ends; see Ended.
const (
	DaySubmitted          DayStatus = "Submitted"
	DayRunning            DayStatus = "Running"
	DayErrorDuringRun     DayStatus = "ErrorDuringRun" // an attempt failed, and there will be another
	DayCompleted          DayStatus = "Completed"
	DayCompletedEmpty     DayStatus = "CompletedEmptyRecords"
	DayFailed             DayStatus = "Failed"
	DayRunningToBeDeleted DayStatus = "RunningToBeDeleted"
	DayDeleted            DayStatus = "DeletedByUserRequest"
)

// DayStatuses lists them in the order in which a job's details show them.
var DayStatuses = []DayStatus{DaySubmitted, DayRunning, DayErrorDuringRun, DayCompleted, DayCompletedEmpty, DayFailed, DayRunningToBeDeleted, DayDeleted}

// Ended tells whether nothing more will happen to a day in this status.
func (s DayStatus) Ended() bool {
	return s == DayCompleted || s == DayCompletedEmpty || s == DayFailed || s == DayDeleted
}

// Hook is where somebody wants to be told: a URL and GET or POST, or neither.
type Hook struct {
	URL    string `db:"webhook_url" json:"url"`
	Method string `db:"webhook_method" json:"method"`
}

// JobRequest is what its maker says of a job beyond its days. It holds what a
// history must not, so it travels sealed.
type JobRequest struct {
	Name  string `json:"name"`
	Hook  Hook   `json:"hook"`
	Email string `json:"email"`
}

// JobOpening is what is known of a job when it is asked for.
type JobOpening struct {
	JobRequest
	ID          string
	Account     string
	Family      string // the parent account, or the account itself: whose quota it is
	Type        ResourceType
	Start, End  Day
	RequestedBy string    // user ID, or "" where the account's own credentials asked
	QuotaDays   int       // of the family, in one UTC day
	Until       time.Time // by the database's clock: from then on it is TooLate; the zero time is never
}

// TooLate is the code of what was not done, and will not be, since whoever asked
// for it has stopped waiting.
const TooLate = "too_late"

// Job is a custom job as its row tells it.
type Job struct {
	ID      string       `db:"id"`
	Account string       `db:"account_sid"`
	Type    ResourceType `db:"resource_type"`
	Name    string       `db:"friendly_name"`
	Start   Day          `db:"start_day"`
	End     Day          `db:"end_day"`
	Hook
	Email       string     `db:"email"`
	RequestedBy string     `db:"requested_by"`
	CreatedAt   time.Time  `db:"created_at"`
	DeletingAt  *time.Time `db:"deleting_at"` // when somebody asked for it to be deleted
	EndedAt     *time.Time `db:"ended_at"`    // when its last day ended
	Days        []JobDay   `db:"-"`           // ascending, each once
}

// JobDay is one day of a job.
type JobDay struct {
	Day     Day       `db:"day"`
	Status  DayStatus `db:"status"`
	Records int64     `db:"records"`
}

// Queue is where an unfinished job stands among all that wait, when asked.
type Queue struct {
	Position int       // 1 is next in line; 0 where none of its days waits
	Estimate time.Time // when its last day may have ended
}

// DayFile is the file of one account, type and UTC day: gzip of JSON lines.
type DayFile struct {
	ID        string       `db:"id"` // of this version: a new one replaces it whole
	Account   string       `db:"account_sid"`
	Type      ResourceType `db:"resource_type"`
	Day       Day          `db:"day"`
	Job       string       `db:"job_id"`        // "" for a daily export
	Name      string       `db:"friendly_name"` // of that job
	Records   int64        `db:"records"`
	Size      int64        `db:"size"`   // bytes of the gzip file
	SHA256    string       `db:"sha256"` // hex, of the gzip file
	CreatedAt time.Time    `db:"created_at"`
	ExpiresAt time.Time    `db:"expires_at"`
	Seq       int64        `db:"seq"` // order of generation
}

// DayPrefix is where a day file's object lives in the bucket.
func DayPrefix(file string) string { return DayFolder + file + "/" }

// DayObject is the object of a day file.
func DayObject(file string) string { return DayPrefix(file) + "lines.gz" }

// DayFolder holds all day files, and ExportFolder all account exports.
const (
	DayFolder    = "days/"
	ExportFolder = "exports/"
)

// NewDayFile is a day file that has been stored and is to be seen.
type NewDayFile struct {
	ID        string
	Account   string
	Type      ResourceType
	Day       Day
	Job       string // "" for a daily export and for a file that is made again
	Again     bool   // made again without records that were erased: keeps name and expiry of the one it replaces, and is dropped where there is none
	Records   int64
	Size      int64
	SHA256    string
	Wrapped   []byte        // its key
	Erased    int           // how many of the day's calls were known to be erased when it was read
	ReadAt    time.Time     // when its last record had been read, by the database's clock
	Within    time.Duration // of ReadAt it is published, or not at all; 5 minutes at most, and where it is 0
	Retention time.Duration // from now until it is deleted
}

// Erasure is a call that is to be gone from the archive.
type Erasure struct {
	Call string
	Day  Day // UTC day it was created
}

// Erasures are erased calls of one account.
type Erasures struct {
	Account string
	Calls   []string
}

// BulkConfiguration is what an account wants to happen to one type every day.
type BulkConfiguration struct {
	Account string       `db:"account_sid"`
	Type    ResourceType `db:"resource_type"`
	Enabled bool         `db:"enabled"`
	Hook
}

// BulkGlance is how much is going on in an account.
type BulkGlance struct {
	Jobs      int            // that have not ended
	Files     int            // that can be fetched
	Daily     []ResourceType // exported every day
	DaysToday int            // of the family's quota, asked for today by jobs that are still kept
}

// BulkChange is a partial change of it; nil leaves a value as it is. It
// travels sealed.
type BulkChange struct {
	Enabled *bool   `json:"enabled,omitempty"`
	URL     *string `json:"url,omitempty"`
	Method  *string `json:"method,omitempty"`
}

// EventStatus is how the delivery of a webhook stands.
type EventStatus string

// A webhook is tried until it is delivered or its time is over.
const (
	EventPending   EventStatus = "pending"
	EventDelivered EventStatus = "delivered"
	EventGivenUp   EventStatus = "failed"
)

// Event is something that happened once, and of which one webhook tells.
type Event struct {
	ID      string       `db:"id"` // UUID; the same on every retry
	Account string       `db:"account_sid"`
	Type    ResourceType `db:"resource_type"`
	Job     string       `db:"job_id"` // "" for a daily export
	Day     Day          `db:"day"`    // "" for a job
	Hook
	Result
	At     time.Time   `db:"at"`
	Status EventStatus `db:"status"`
	Tries  int         `db:"tries"`
	Log    []EventTry  `db:"-"` // the latest tries, newest first
}

// Result is what an event tells of its job or day.
type Result struct {
	Name      string `db:"friendly_name"`
	Start     Day    `db:"start_day"` // "" for a daily export
	End       Day    `db:"end_day"`
	Completed int    `db:"days_completed"` // with records
	Empty     int    `db:"days_empty"`
	Failed    int    `db:"days_failed"`
}

// EventTry is one attempt to deliver a webhook.
type EventTry struct {
	At         time.Time `db:"at"`
	HTTPStatus int       `db:"http_status"` // 0 where nobody answered
	Outcome    string    `db:"outcome"`     // delivered, or in a few words why not: never what the other side said
	Took       int64     `db:"took_ms"`
}

// SealedToken is the purpose of an account's sealed auth token, which signs its
// webhooks. What the deployment's key seals is bound to its account and to one
// purpose.
const SealedToken = "auth token"

// SealedJob is the purpose of a sealed JobRequest, as JSON.
func SealedJob(job string) string { return "bulk job " + job }

// SealedChange is the purpose of a sealed BulkChange, as JSON.
func SealedChange(t ResourceType) string { return "bulk configuration " + string(t) }

// BulkLimits are an operator's settings that jobs and daily exports keep from
// when they began.
type BulkLimits struct {
	QuotaDays int           // a family may ask for in one UTC day
	Retention time.Duration // from when a day file was made until it is deleted
	Patience  time.Duration // how long a day may keep failing before it is Failed
}

// DefaultBulkLimits are Twilio's quota and week, and half a day of patience.
func DefaultBulkLimits() BulkLimits {
	return BulkLimits{QuotaDays: 366, Retention: 7 * 24 * time.Hour, Patience: 12 * time.Hour}
}

// Filled has the default for every limit that is missing.
func (l BulkLimits) Filled() BulkLimits {
	usual := DefaultBulkLimits()
	if l.QuotaDays <= 0 {
		l.QuotaDays = usual.QuotaDays
	}
	if l.Retention <= 0 {
		l.Retention = usual.Retention
	}
	if l.Patience <= 0 {
		l.Patience = usual.Patience
	}
	return l
}

// Add counts one more day that ended so.
func (r *Result) Add(s DayStatus) {
	switch s {
	case DayCompleted:
		r.Completed++
	case DayCompletedEmpty:
		r.Empty++
	case DayFailed:
		r.Failed++
	}
}
