// Package directory holds the questions Satchel asks the platform about who is
// who: the people of an account, the account itself, and what a user name and
// secret are checked against; and, for bulk exports, what an account's webhooks are
// signed with, its subaccounts, and the day of a call. A company that keeps its
// people elsewhere answers them with its own queries, the last three if it
// likes; see package catalog.
package directory

import "embed"

// Files holds a query for each question.
//
//go:embed *.sql
var Files embed.FS
