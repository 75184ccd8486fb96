package workflows

// Registry registers workflows; a worker and a replayer implement it. The SDK's own
// interface is in its package worker, which imports Temporal's client.
type Registry interface {
	RegisterWorkflow(w any)
}

// Register registers the workflow that both use cases start.
func Register(r Registry) { r.RegisterWorkflow(Email) }
