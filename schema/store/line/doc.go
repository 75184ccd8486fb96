// Package line makes connections to Postgres on which nothing is waited for
// longer than its context says, also where the server says nothing at all.
// The driver asks the server to cancel and goes on waiting for its answer,
// which never comes from one that is frozen.
package line
