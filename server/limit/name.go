package limit

import (
	"sync/atomic"
	"time"

	"satchel/schema"
)

// Name names a limit, in metrics and in the documentation.
type Name string

// The limits.
const (
	AnonymousRequests  Name = "anonymous_requests"  // of one address, without credentials
	PrincipalRequests  Name = "principal_requests"  // of one person or credential
	AccountRequests    Name = "account_requests"    // of one account
	WrongCredentials   Name = "wrong_credentials"   //nolint:gosec // from one address; a name, and no credentials
	EventStreams       Name = "event_streams"       // of one person or credential, at once
	ExportRequests     Name = "export_requests"     // of one account
	ConfirmationEmails Name = "confirmation_emails" // of one export
	DownloadStarts     Name = "download_starts"     // of one whole file
	FileDownloads      Name = "file_downloads"      // of one file, at once
	AccountDownloads   Name = "account_downloads"   // of one account, at once
	DownloadMemory     Name = "download_memory"     // of all downloads
	InflatedRanges     Name = "inflated_ranges"     // of one account
	JobsBeingCreated   Name = "jobs_being_created"  // of one account and its subaccounts, at once
	JobDays            Name = "job_days"            // of one account and its subaccounts
	Erasures           Name = "erasures"            // of one account and its subaccounts, at once
	EventResends       Name = "event_resends"       // of one webhook event
	AccountResends     Name = "account_resends"     // of one account
	PendingDeliveries  Name = "pending_deliveries"  // of one account
)

// Names are all limits.
var Names = []Name{
	AnonymousRequests, PrincipalRequests, AccountRequests, WrongCredentials, EventStreams, ExportRequests, ConfirmationEmails,
	DownloadStarts, FileDownloads, AccountDownloads, DownloadMemory, InflatedRanges, JobsBeingCreated, JobDays, Erasures,
	EventResends, AccountResends, PendingDeliveries,
}

// met counts how often this process has refused something because of a limit.
var met = func() map[Name]*atomic.Int64 {
	counts := make(map[Name]*atomic.Int64, len(Names))
	for _, name := range Names {
		counts[name] = new(atomic.Int64)
	}
	return counts
}()

// Count counts that a limit was met.
func Count(name Name) { met[name].Add(1) }

// Met returns how often this process has met a limit, for metrics.
func Met(name Name) int64 { return met[name].Load() }

// Refuse counts that a limit was met and returns the error for the caller.
func Refuse(name Name, code string, wait time.Duration, message string) error {
	Count(name)
	return &schema.Error{Kind: schema.Limited, Code: code, Message: message, RetryAfter: wait}
}
