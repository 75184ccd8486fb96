// Package demo holds the question that only the sign-in of development asks:
// who is there at all? No other program knows it, and no company answers it.
package demo

import _ "embed"

// People is a query for the schema.Person whose ID is $1, or, where $1 is
// empty, for some people of the first accounts to choose from.
//
//go:embed people.sql
var People string
