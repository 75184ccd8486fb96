package stack

import (
	"strconv"
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

// AnotherServer readies one more server process on a port of its own, like
// AnotherWorker, and says where it will be.
func (s *Stack) AnotherServer(name string, env ...string) (server *parts.Part, url string, err error) {
	port, err := parts.FreePort()
	if err != nil {
		return nil, "", err
	}
	metrics, err := parts.FreePort()
	if err != nil {
		return nil, "", err
	}
	url = "http://" + parts.Loopback(port)
	return parts.New(parts.Spec{
		Name: name, Path: s.options.program("server"),
		Env: append(append(s.serverEnviron(), env...), "PORT="+strconv.Itoa(port), "METRICS_ADDRESS="+parts.Loopback(metrics)),
		Log: s.options.log(name), Grace: 20 * time.Second, Ready: parts.Answers(url + "/readyz"),
	}), url, nil
}
