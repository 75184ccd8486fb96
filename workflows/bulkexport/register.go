// Package bulkexport has the workflows of bulk exports: jobs, days, daily exports and
// their configuration, erased calls, webhooks, and the sweep.
package bulkexport

import (
	"satchel/activities/bulkexport"
	"satchel/workflows"
)

// Activities are referenced through a nil pointer; they are not called here.
var a *bulkexport.Activities

// Register registers the workflows of bulk exports.
func Register(r workflows.Registry) {
	r.RegisterWorkflow(BulkJob)
	r.RegisterWorkflow(BulkDay)
	r.RegisterWorkflow(BulkDaily)
	r.RegisterWorkflow(BulkConfiguration)
	r.RegisterWorkflow(CallErasure)
	r.RegisterWorkflow(DayRebuild)
	r.RegisterWorkflow(DayFileRemoval)
	r.RegisterWorkflow(WebhookDelivery)
	r.RegisterWorkflow(BulkExportSweep)
	r.RegisterWorkflow(BulkExportStorageSweep)
}
