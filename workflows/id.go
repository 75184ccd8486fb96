package workflows

import "satchel/activities"

// AccountExportID is the workflow ID of an account's export: at most one run
// of it is open, so an account has at most one export.
func AccountExportID(account string) string { return "account-export/" + account }

// LetterID is the workflow ID of a mail that outlives its export's run.
func LetterID(export string, kind activities.MailKind) string {
	return "letter/" + export + "/" + string(kind)
}
