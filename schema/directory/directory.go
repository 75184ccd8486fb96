// Package directory holds the queries for the platform's accounts and people: the
// people of an account, the account itself, and the credential that a user name
// and secret are checked against; and for bulk exports the key that signs an
// account's webhooks, its subaccounts, and the day of a call. A company with
// other tables supplies its own queries, of which the last three are optional;
// see package catalog.
package directory

import "embed"

// Files holds one .sql file for each query.
//
//go:embed *.sql
var Files embed.FS
