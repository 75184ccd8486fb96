package stack

import (
	"time"

	"satchel/dev/parts"
)

// AnotherWorker readies one more worker process, with more of its environment,
// which has the last word. Whoever starts it stops it before the stack.
func (s *Stack) AnotherWorker(name string, env ...string) (*parts.Part, error) {
	port, err := parts.FreePort()
	if err != nil {
		return nil, err
	}
	metrics := parts.Loopback(port)
	return parts.New(parts.Spec{
		Name: name, Path: s.options.program("worker"), Args: []string{"run"},
		Env: append(append(s.workerEnviron(), env...), "METRICS_ADDRESS="+metrics),
		Log: s.options.log(name), Grace: 40 * time.Second,
		Ready: parts.Answers("http://" + metrics + "/readyz"),
	}), nil
}
