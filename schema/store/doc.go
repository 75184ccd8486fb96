// Package store keeps Satchel's own rows: exports, their keys, the ledger of
// pieces, bulk jobs, the files of days, webhook events, the audit trail and
// browser sessions. Together with its sub-packages it holds the only SQL
// outside the .sql files.
//
// A status moves only from the status it is expected to have, so running any
// method again changes nothing. Errors tell what was done and the SQLSTATE,
// never a value.
package store
