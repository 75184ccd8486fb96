// Package days holds the queries of bulk exports: one for each resource type,
// which takes the account as $1 and returns its records created from $2 up to,
// not including, $3. Calls also takes the IDs of erased calls, as $4. The first
// two columns, _at and _key, are the time a record was created and its SID; they
// order the records in the file and are not written to it. The other columns are
// Keys, in that order. Package catalog enforces this.
package days

import (
	"embed"

	"satchel/schema"
)

// Files holds <type>.sql for each type, and erase/Calls.sql, which deletes calls
// $2 of account $1 from the archive of old calls.
//
//go:embed *.sql erase/*.sql
var Files embed.FS

// Keys are the fields of each type's records, in order. They are Twilio's, so
// that programs that read its files can read these.
var Keys = map[schema.ResourceType][]string{
	schema.Messages: {
		"sid", "account_sid", "messaging_service_sid", "from", "to", "body", "num_segments", "num_media", "status", "direction",
		"date_created", "date_sent", "date_updated", "price", "error_code",
	},
	schema.Calls: {
		"sid", "account_sid", "parent_call_sid", "from", "from_formatted", "to", "to_formatted", "phone_number_sid", "status", "direction",
		"date_created", "date_updated", "start_time", "end_time", "duration", "price", "price_unit", "answered_by", "forwarded_from",
		"caller_name", "api_version", "group_sid", "queue_time", "trunk_sid",
	},
	schema.Conferences: {
		"sid", "account_sid", "friendly_name", "region", "status", "date_created", "date_updated", "reason_conference_ended",
		"call_sid_ending_conference",
	},
	schema.Participants: {
		"account_sid", "call_sid", "conference_sid", "call_sid_to_coach", "coaching", "muted", "hold", "start_conference_on_enter",
		"end_conference_on_exit", "status", "date_created", "date_updated", "queue_time",
	},
}

// Params returns the number of parameters of a type's query.
func Params(t schema.ResourceType) int {
	if t == schema.Calls {
		return 4
	}
	return 3
}
