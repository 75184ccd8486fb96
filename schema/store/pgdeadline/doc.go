// Package pgdeadline opens connections to Postgres that honour the deadline of
// every context, also while the server does not answer at all. On its own the
// driver asks the server to cancel and then waits for the server's answer,
// which never comes from a frozen one.
package pgdeadline
