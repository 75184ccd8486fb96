// Package registry registers all workflows.
package registry

import (
	"satchel/workflows"
	"satchel/workflows/accountexport"
	"satchel/workflows/bulkexport"
)

// RegisterWorkflows registers all workflows with a worker or a replayer.
func RegisterWorkflows(r workflows.Registry) {
	workflows.Register(r)
	accountexport.Register(r)
	bulkexport.Register(r)
}
