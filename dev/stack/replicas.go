package stack

import (
	"strconv"
	"time"

	"satchel/dev/services"
)

// AnotherWorker prepares one more worker process. Its env overrides that of the
// stack's worker. The caller starts it, and stops it before the stack.
func (s *Stack) AnotherWorker(name string, env ...string) (*services.Service, error) {
	port, err := services.FreePort()
	if err != nil {
		return nil, err
	}
	metrics := services.Loopback(port)
	return services.New(services.Spec{
		Name: name, Path: s.program("worker"), Args: []string{"run"},
		Env: append(append(s.workerEnviron(), env...), "METRICS_ADDRESS="+metrics),
		Log: s.options.log(name), Grace: 40 * time.Second,
		Ready: services.ReadyWhenOK("http://" + metrics + "/readyz"),
	}), nil
}

// AnotherServer prepares one more server process on a free port, like
// AnotherWorker, and returns its URL.
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
		Name: name, Path: s.program("server"),
		Env: append(append(s.serverEnviron(), env...), "PORT="+strconv.Itoa(port), "METRICS_ADDRESS="+services.Loopback(metrics)),
		Log: s.options.log(name), Grace: 20 * time.Second, Ready: services.ReadyWhenOK(url + "/readyz"),
	}), url, nil
}
