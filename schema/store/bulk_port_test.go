package store_test

import (
	"satchel/activities"
	"satchel/schema/store"
)

var _ activities.BulkStore = (*store.Store)(nil)
