// Package demo holds the query of the development sign-in, which lists people of
// any account. Nothing else uses it, and a company's catalog does not have it.
package demo

import _ "embed"

// People is the query for the schema.Person with ID $1 or, if $1 is empty, for a
// few people of each of the first accounts.
//
//go:embed people.sql
var People string
