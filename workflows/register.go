package workflows

import "go.temporal.io/sdk/worker"

// Register makes all workflows known to a worker or a replayer.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflow(AccountExport)
	r.RegisterWorkflow(Letter)
	r.RegisterWorkflow(Sweep)
	r.RegisterWorkflow(BulkJob)
	r.RegisterWorkflow(BulkDay)
	r.RegisterWorkflow(BulkDaily)
	r.RegisterWorkflow(BulkConfiguration)
	r.RegisterWorkflow(EraseCalls)
	r.RegisterWorkflow(RebuildDay)
	r.RegisterWorkflow(JobLetter)
	r.RegisterWorkflow(RemoveDayFile)
	r.RegisterWorkflow(SweepBulk)
	r.RegisterWorkflow(Webhook)
}
