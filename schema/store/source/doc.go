// Package source reads the platform's own database: who is who, and the
// records of an account, category by category or day by day. It writes nothing
// there, save that an Archive deletes what is to be erased, and knows of the
// platform's tables only what the queries it is given say.
//
// A catalog query takes the account as $1. Its first column is _key: never
// null, not repeated within the account, and ordered, so that reading can go on
// behind any row. The other columns are the record. Rows come in the order of
// _key along an index on account and key where Postgres finds one; a query that
// groups, or calls a volatile function, it has to sort first. Read turns each
// row into the JSON object that row_to_json would make of the record, byte for
// byte, save that a timestamp, with or without a time zone and however deep it is
// nested, is ISO 8601 in UTC and ends in Z.
//
// A query of bulk exports takes more than the account, and opens with _at: its
// rows come in the order of that, and then of _key.
//
// Errors tell what was done and the SQLSTATE, never a value.
package source
