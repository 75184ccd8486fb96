// Package source reads the platform's own database: its directory of accounts
// and people, and the records of an account, by category or by day. It writes
// nothing there, except that an Archive deletes erased calls. All it knows of
// the platform's tables is in the queries that it is given.
//
// A catalog query takes the account as $1. Its first column is _key: never
// null, unique within the account, and ordered, so that a read can resume
// after any row. The other columns are the record. Rows come in the order of
// _key, along an index on account and key if Postgres finds one; a query that
// groups, or that calls a volatile function, is sorted first. Read turns each
// row into the JSON object that row_to_json would make of the record, byte for
// byte, except that a date or timestamp, however deeply nested, is ISO 8601: an instant
// is in UTC and ends in Z, a timestamp without a time zone has no Z.
//
// A query for bulk exports takes more parameters than the account, and its
// first column is _at: its rows come in the order of _at and then of _key.
//
// Errors hold the operation and the SQLSTATE, never a value.
package source
