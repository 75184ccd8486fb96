package testservices

import (
	"context"
	"path/filepath"
	"testing"

	"satchel/dev/services"
)

var temporal = shared(func(ctx context.Context, dir string, port int) (*services.Temporal, *services.Service, error) {
	s, err := services.NewTemporal(services.TemporalOptions{Log: filepath.Join(dir, "temporal.log"), Port: port})
	if err != nil {
		return nil, nil, err
	}
	return s, s.Service, s.Start(ctx)
})

// Temporal returns the address, host:port, of a Temporal dev server that knows
// our search attributes. The test binary shares it: a test keeps apart by its
// workflow IDs or task queue.
func Temporal(t testing.TB) string {
	t.Helper()
	s, err := temporal()
	if err != nil {
		t.Fatal(err)
	}
	return s.Address()
}
