// Package directory holds the three questions Satchel asks the platform about
// who is who: the people of an account, the account itself, and what a user
// name and secret are checked against. A company that keeps its people
// elsewhere answers them with its own queries; see package catalog.
package directory

import "embed"

// Files holds people.sql, account.sql and credentials.sql.
//
//go:embed *.sql
var Files embed.FS
