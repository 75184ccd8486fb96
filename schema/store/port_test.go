package store_test

import (
	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/activities/bulkexport"
	"satchel/schema/store"
)

// The ports of activities that this package implements.
var (
	_ accountexport.Store      = (*store.AccountExports)(nil)
	_ accountexport.EmailStore = (*store.AccountExports)(nil)
	_ bulkexport.Store         = (*store.BulkExports)(nil)
	_ bulkexport.EmailStore    = (*store.BulkExports)(nil)
	_ activities.EmailLedger   = (*store.DB)(nil)
)
