// Package accountexport has the activities of account exports: open, collect,
// assemble, complete, remove, sweep, and what e-mails about them say.
package accountexport

// Activities are the activities of account exports.
type Activities struct {
	Store  Store
	Source Source
	Vault  Vault
	Runs   Runs
	Count  Counters
}
