// Package sqlstate turns errors of the database driver into errors that may be
// logged, kept in a workflow's history and acted on. The driver's own texts
// may hold row values and addresses; nothing of them passes.
package sqlstate
