// Package accountexport has the activities of account exports: open, collect,
// assemble, complete, remove, sweep, and what e-mails about them say.
package accountexport

import (
	"satchel/activities"
	"satchel/schema"
)

// Activities are the activities of account exports.
type Activities struct {
	Store  Store
	Source Source
	Vault  Vault
	Runs   Runs
	Count  Counters

	Retention schema.HistoryRetention // of rows; zero values mean the defaults
	PieceSize int                     // bytes of JSON text after which a piece ends; 0 means the default

	refusals activities.Refusals
}
