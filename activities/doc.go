// Package activities holds the deeds of an export in the outside world: rows,
// objects, mail. Every activity can be run twice: object keys carry the
// attempt, rows move only from the status they are expected in, mails carry an
// idempotency key, and deleting what is gone succeeds.
//
// Activities answer with IDs, keys, counts and times, and fail with words of
// our own, so that no record, address, token or driver's text ever reaches a
// workflow history. What they need of the world they ask for through the small
// interfaces in ports.go.
package activities
