package stack

import (
	"strconv"
	"time"

	"satchel/dev/services"
)

// AnotherWorker readies one more worker process, with more of its environment,
// which has the last word. Whoever starts it stops it before the stack.
func (s *Stack) AnotherWorker(name string, env ...string) (*services.Service, error) {
	port, err := services.FreePort()
	if err != nil {
		return nil, err
	}
	metrics := services.Loopback(port)
	return services.New(services.Spec{
		Name: name, Path: s.options.program("worker"), Args: []string{"run"},
		Env: append(append(s.workerEnviron(), env...), "METRICS_ADDRESS="+metrics),
		Log: s.options.log(name), Grace: 40 * time.Second,
		Ready: services.Answers("http://" + metrics + "/readyz"),
	}), nil
}

// AnotherServer readies one more server process on a port of its own, like
// AnotherWorker, and says where it will be.
func (s *Stack) AnotherServer(name string, env ...string) (server *services.Service, url string, err error) {
	port, err := services.FreePort()
	if err != nil {
		return nil, "", err
	}
	metrics, err := services.FreePort()
	if err != nil {
		return nil, "", err
	}
	url = "http://" + services.Loopback(port)
	return services.New(services.Spec{
		Name: name, Path: s.options.program("server"),
		Env: append(append(s.serverEnviron(), env...), "PORT="+strconv.Itoa(port), "METRICS_ADDRESS="+services.Loopback(metrics)),
		Log: s.options.log(name), Grace: 20 * time.Second, Ready: services.Answers(url + "/readyz"),
	}), url, nil
}
