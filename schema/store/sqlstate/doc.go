// Package sqlstate turns errors of the database driver into errors that are safe
// to log, to keep in a workflow's history and to act on. The driver's own texts
// may hold row values and addresses; none of that text is passed on.
package sqlstate
