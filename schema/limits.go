package schema

import "time"

// BulkLimits are an operator's settings for jobs and daily exports. They travel
// in the workflow's input, so a run keeps the limits it began with.
type BulkLimits struct {
	QuotaDays int           // that an account and its subaccounts may request in one UTC day
	Retention time.Duration // from when a day file was published until it is deleted
	Patience  time.Duration // how long a day is retried before it is Failed
}

// DefaultBulkLimits are Twilio's quota and retention, and half a day of retries.
func DefaultBulkLimits() BulkLimits {
	return BulkLimits{QuotaDays: 366, Retention: 7 * 24 * time.Hour, Patience: 12 * time.Hour}
}

// Filled returns the limits with the default for every one that is missing.
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
