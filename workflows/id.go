package workflows

import (
	"satchel/activities"
	"satchel/schema"
)

// AccountExportID is the workflow ID of an account's export: at most one run
// of it is open, so an account has at most one export.
func AccountExportID(account string) string { return "account-export/" + account }

// LetterID is the workflow ID of a mail that outlives its export's run.
func LetterID(export string, kind activities.MailKind) string {
	return "letter/" + export + "/" + string(kind)
}

// BulkJobID is the workflow ID of a bulk job.
func BulkJobID(job string) string { return "bulk-job/" + job }

// BulkDayID is the workflow ID of whoever writes a day file: one at a time.
func BulkDayID(account string, t schema.ResourceType, day schema.Day) string {
	return "bulk-day/" + account + "/" + string(t) + "/" + string(day)
}

// BulkDailyID names the schedule of daily exports of an account and type, and
// begins the IDs of its runs.
func BulkDailyID(account string, t schema.ResourceType) string {
	return "bulk-daily/" + account + "/" + string(t)
}

// BulkConfigurationID is the workflow ID of whoever changes what an account
// wants of a type every day: one at a time.
func BulkConfigurationID(account string, t schema.ResourceType) string {
	return "bulk-configuration/" + account + "/" + string(t)
}

// EraseCallsID is the workflow ID of whoever erases a call.
func EraseCallsID(account, call string) string { return "erase-calls/" + account + "/" + call }

// RebuildDayID is the workflow ID of whoever makes a day's file of calls again.
func RebuildDayID(account string, day schema.Day) string {
	return "rebuild-day/" + account + "/" + string(day)
}

// WebhookID is the workflow ID of the delivery of an event.
func WebhookID(event string) string { return "webhook/" + event }

// RemoveDayFileID is the workflow ID of the early removal of a day file.
func RemoveDayFileID(file string) string { return "remove-day-file/" + file }
