package schema

import "time"

// Hook is the target of a webhook: a URL and GET or POST, or neither.
type Hook struct {
	URL    string `db:"webhook_url" json:"url"`
	Method string `db:"webhook_method" json:"method"`
}

// EventStatus is the delivery status of a webhook.
type EventStatus string

// A webhook is pending until it is delivered, or WebhookRetryWindow is over.
const (
	EventPending   EventStatus = "pending"
	EventDelivered EventStatus = "delivered"
	EventFailed    EventStatus = "failed"
)

// Event is something that happened once and is reported by one webhook.
type Event struct {
	ID      string       `db:"id"` // UUID; the same on every retry
	Account string       `db:"account_sid"`
	Type    ResourceType `db:"resource_type"`
	Job     string       `db:"job_id"` // "" for a daily export
	Day     Day          `db:"day"`    // "" for a job
	Hook
	EventResult
	Undelivered bool `db:"undelivered"` // the e-mail to the job's address was rejected for good

	At     time.Time      `db:"at"`
	Status EventStatus    `db:"status"`
	Tries  int            `db:"attempts"`
	Log    []EventAttempt `db:"-"` // the latest attempts, newest first
}

// EventResult is what an event reports of its job or day.
type EventResult struct {
	Name      string `db:"friendly_name"`
	Start     Day    `db:"start_day"` // "" for a daily export
	End       Day    `db:"end_day"`
	Completed int    `db:"days_completed"` // with records
	Empty     int    `db:"days_empty"`
	Failed    int    `db:"days_failed"`
}

// Add counts a day that ended with the status.
func (r *EventResult) Add(s DayStatus) {
	switch s {
	case DayCompleted:
		r.Completed++
	case DayCompletedEmpty:
		r.Empty++
	case DayFailed:
		r.Failed++
	}
}

// EventAttempt is one attempt to deliver a webhook.
type EventAttempt struct {
	At         time.Time `db:"at"`
	HTTPStatus int       `db:"http_status"` // 0 without a response
	Outcome    string    `db:"outcome"`     // delivered, or a short reason; never text from the receiver
	Took       int64     `db:"took_ms"`
}
