package workflows

import (
	"strings"

	"satchel/activities"
	"satchel/schema"
)

// AccountExportID is the workflow ID of an account's export. At most one run of it
// is open, so an account has at most one export at a time.
func AccountExportID(account string) string { return "account-export/" + account }

// EmailID is the workflow ID of an e-mail about an export or job.
func EmailID(about string, kind activities.EmailKind) string {
	return "email/" + about + "/" + string(kind)
}

// BulkJobID is the workflow ID of a bulk job.
func BulkJobID(job string) string { return "bulk-job/" + job }

// BulkDayID is the workflow ID of writing a day file: a file has one writer at a time.
func BulkDayID(account string, t schema.ResourceType, day schema.Day) string {
	return "bulk-day/" + account + "/" + string(t) + "/" + string(day)
}

// BulkDailyID is the ID of the schedule of an account's daily exports of a type, and
// the prefix of the workflow IDs of its runs.
func BulkDailyID(account string, t schema.ResourceType) string {
	return bulkDailyPrefix + account + "/" + string(t)
}

const bulkDailyPrefix = "bulk-daily/"

// ParseBulkDailyID returns the account and type of the ID of a schedule of daily
// exports, and false for any other ID.
func ParseBulkDailyID(id string) (account string, t schema.ResourceType, ok bool) {
	rest, ok := strings.CutPrefix(id, bulkDailyPrefix)
	slash := strings.LastIndexByte(rest, '/')
	if !ok || slash < 0 {
		return "", "", false
	}
	return rest[:slash], schema.ResourceType(rest[slash+1:]), true
}

// BulkConfigurationID is the workflow ID of changes to the daily exports of an account
// and type: at most one run is open.
func BulkConfigurationID(account string, t schema.ResourceType) string {
	return "bulk-configuration/" + account + "/" + string(t)
}

// CallErasureID is the workflow ID of the erasure of a call.
func CallErasureID(account, call string) string { return "erase-calls/" + account + "/" + call }

// DayRebuildID is the workflow ID of rebuilding an account's file of calls of a day.
func DayRebuildID(account string, day schema.Day) string {
	return "rebuild-day/" + account + "/" + string(day)
}

// WebhookID is the workflow ID of the delivery of an event.
func WebhookID(event string) string { return "webhook/" + event }

// DayFileRemovalID is the workflow ID of the early removal of a day file.
func DayFileRemovalID(file string) string { return "remove-day-file/" + file }

// IDs of the schedules of sweeps, and prefixes of the workflow IDs of their runs. What
// waits for storage is swept by runs of its own, so that it delays no other sweep.
const (
	AccountExportSweepID        = "sweep"
	AccountExportStorageSweepID = "sweep-storage"
	BulkExportSweepID           = "sweep-bulk"
	BulkExportStorageSweepID    = "sweep-bulk-storage"
)
