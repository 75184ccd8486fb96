// Package activities holds what the activities of account exports and of bulk
// exports share: the translation of errors, heartbeats, e-mails, the pipeline
// that reads, compresses and stores records, and the removal of orphans.
//
// The activities themselves are in packages accountexport and bulkexport. Every
// activity can be run twice: object keys carry the attempt, rows move only from
// the status they are expected in, e-mails carry an idempotency key, and deleting
// what is gone succeeds. Activities return IDs, keys, counts and times, and fail
// with messages of our own, so that no record, address, token or driver's error
// text reaches a workflow history.
package activities

import "satchel/schema"

// Actors in the audit trail that are no users.
const (
	Satchel  = schema.ActorSatchel
	Operator = schema.ActorOperator
)
