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

	// OutdatedWithin is how long after a call was erased a file that holds it may
	// still be downloaded. A rebuild that is published in time appears before that.
	OutdatedWithin = PublishWithin
)
