package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"

	"satchel/schema"
)

// ending is an activity that ends with this error.
type ending struct {
	interceptor.ActivityInboundInterceptorBase
	err error
}

func (e *ending) ExecuteActivity(context.Context, *interceptor.ExecuteActivityInput) (any, error) {
	return nil, e.err
}

func TestAttemptsAreCountedByHowTheyEndedAndTooLateIsFailed(t *testing.T) {
	n := newMetrics()
	attempt := func(ctx context.Context, err error) {
		timed := &timedActivity{metrics: n}
		timed.Next = &ending{err: err}
		_, _ = timed.ExecuteActivity(ctx, nil)
	}
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	remove := func(ctx context.Context) error {
		attempt(ctx, nil)
		attempt(ctx, errors.New("no"))
		late, cancel := context.WithTimeout(ctx, time.Nanosecond)
		defer cancel()
		<-late.Done()
		attempt(late, late.Err())
		stopped, stop := context.WithCancel(ctx)
		stop()
		attempt(stopped, stopped.Err())
		return nil
	}
	env.RegisterActivity(remove)
	_, err := env.ExecuteActivity(remove)
	require.NoError(t, err)
	n.Wrote(schema.Category("calls"), 3, 500)
	n.Wrote(schema.Category("calls"), 2, 100)

	counts := gathered(t, n.registry)
	require.Equal(t, map[string]float64{"succeeded": 1, "failed": 2, "cancelled": 1}, counts["satchel_activity_seconds"])
	require.Equal(t, map[string]float64{"calls": 5}, counts["satchel_records_written_total"])
	require.Equal(t, map[string]float64{"calls": 600}, counts["satchel_bytes_written_total"])
}

// gathered is every counter and how often every histogram was observed, by name
// and by the last label.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	found := map[string]map[string]float64{}
	for _, family := range families {
		found[family.GetName()] = map[string]float64{}
		for _, m := range family.Metric {
			if len(m.Label) == 0 {
				continue
			}
			label := m.Label[len(m.Label)-1].GetValue()
			switch family.GetType() {
			case dto.MetricType_COUNTER:
				found[family.GetName()][label] = m.GetCounter().GetValue()
			case dto.MetricType_HISTOGRAM:
				found[family.GetName()][label] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return found
}

// A kubelet probes from another host. Metrics name categories and counts, and stay on
// loopback.
func TestProbesReachAnAddressThatHasNoMetrics(t *testing.T) {
	metricsAddress, healthAddress := freeAddress(t), freeAddress(t)
	ready := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveOps(ctx, metricsAddress, healthAddress, newMetrics(), ready) }()
	status := func(address, path string) (code int) {
		require.Eventually(t, func() bool {
			res, err := http.Get("http://" + address + path) //nolint:noctx // the test ends
			if err != nil {
				return false
			}
			code = res.StatusCode
			return res.Body.Close() == nil
		}, 10*time.Second, 10*time.Millisecond)
		return code
	}
	for path, want := range map[string][2]int{"/healthz": {200, 200}, "/readyz": {503, 503}, "/metrics": {200, 404}} {
		require.Equal(t, want[0], status(metricsAddress, path), path)
		require.Equal(t, want[1], status(healthAddress, path), path)
	}
	stop()
	require.NoError(t, <-ended)
	require.ErrorContains(t, serveOps(t.Context(), freeAddress(t), "nowhere", newMetrics(), ready), "HEALTH_ADDRESS nowhere")
}

func freeAddress(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}
