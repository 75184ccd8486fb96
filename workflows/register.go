package workflows

// Registry registers workflows; a worker and a replayer are one. Package worker of
// the SDK, which has such an interface, reaches Temporal's client.
type Registry interface {
	RegisterWorkflow(w any)
}

// Register registers the workflows that both use cases start.
func Register(r Registry) { r.RegisterWorkflow(Email) }
