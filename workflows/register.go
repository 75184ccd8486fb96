package workflows

import "go.temporal.io/sdk/worker"

// Register makes all workflows known to a worker or a replayer.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflow(AccountExport)
	r.RegisterWorkflow(Letter)
	r.RegisterWorkflow(Sweep)
}
