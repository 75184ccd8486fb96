package store_test

import (
	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/activities/bulkexport"
	"satchel/schema/store"
)

var (
	_ accountexport.Store      = (*store.Store)(nil)
	_ accountexport.EmailStore = (*store.Store)(nil)
	_ bulkexport.Store         = (*store.Store)(nil)
	_ bulkexport.EmailStore    = (*store.Store)(nil)
	_ activities.EmailLedger   = (*store.Store)(nil)
)
