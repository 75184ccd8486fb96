// Package store keeps Satchel's own rows: those of account exports, those of bulk
// exports, and the audit trail, e-mail outcomes and browser sessions of both.
// Together with its sub-packages it holds the only SQL outside the .sql files.
//
// A status moves only from the status that is expected, so running any method
// again changes nothing. Errors name the operation and the SQLSTATE, never a
// value.
package store
