package schema

import "time"

// Durations and numbers that more than one package relies on.
const (
	// JobDaysAtOnce is how many days of one job are written at the same time. The
	// queue's estimates assume it.
	JobDaysAtOnce = 4

	// EmailRetryWindow is how long an e-mail is retried if it has no deadline of its
	// own. The sweep resends none that is older.
	EmailRetryWindow = 24 * time.Hour

	// WebhookRetryWindow is how long the delivery of a webhook is retried.
	WebhookRetryWindow = 24 * time.Hour

	// DailyCatchUp is how far back missed daily exports are made up for, and how
	// long one is retried.
	DailyCatchUp = 7 * 24 * time.Hour

	// AccountGoneAfter is how long the source database must not have shown an
	// account before its daily exports are switched off: a view can be broken for
	// days. It is as long as a daily export is retried.
	AccountGoneAfter = DailyCatchUp

	// PublishWithin is how long after it was read a day file can be published.
	PublishWithin = 5 * time.Minute

	// CheckDayFilesEvery is how long after it was published or checked a file of calls is
	// checked for calls that the platform no longer shows.
	CheckDayFilesEvery = 12 * time.Hour

	// OutdatedWithin is how long after a call was erased a file that holds it may
	// still be downloaded. A rebuild that is published in time appears before that.
	OutdatedWithin = PublishWithin
)

// HistoryRetention is how long the rows of what is over are kept. It is an
// operator's setting, and travels in the input of the sweep.
type HistoryRetention struct {
	History time.Duration // of exports that have ended, and of daily exports that are switched off
	Audit   time.Duration // of the audit trail, MinAuditRetention at least
}

// MinAuditRetention is how long an audit row is kept at least, and
// MinHistoryRetention an export that has ended.
const (
	MinAuditRetention   = 365 * 24 * time.Hour
	MinHistoryRetention = 30 * 24 * time.Hour
)

// WithDefaults returns the retention with the default for every value that is
// missing: two years of exports, and three years of audit.
func (r HistoryRetention) WithDefaults() HistoryRetention {
	if r.History <= 0 {
		r.History = 2 * MinAuditRetention
	}
	if r.Audit <= 0 {
		r.Audit = 3 * MinAuditRetention
	}
	return r
}

// BulkLimits are an operator's settings for jobs and daily exports. They travel
// in the workflow's input, so a run keeps the limits it began with.
type BulkLimits struct {
	QuotaDays   int           // that an account and its subaccounts may request in one UTC day
	Retention   time.Duration // from when a day file was published until it is deleted
	RetryWindow time.Duration // how long a day is retried before it is Failed
}

// DefaultBulkLimits are Twilio's quota and retention, and half a day of retries.
func DefaultBulkLimits() BulkLimits {
	return BulkLimits{QuotaDays: 366, Retention: 7 * 24 * time.Hour, RetryWindow: 12 * time.Hour}
}

// WithDefaults returns the limits with the default for every one that is missing.
func (l BulkLimits) WithDefaults() BulkLimits {
	defaults := DefaultBulkLimits()
	if l.QuotaDays <= 0 {
		l.QuotaDays = defaults.QuotaDays
	}
	if l.Retention <= 0 {
		l.Retention = defaults.Retention
	}
	if l.RetryWindow <= 0 {
		l.RetryWindow = defaults.RetryWindow
	}
	return l
}
