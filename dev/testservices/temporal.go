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

// Temporal returns the host:port of a Temporal dev server with our search
// attributes. The test binary shares it: tests need workflow IDs or task queues
// of their own.
func Temporal(t testing.TB) string {
	t.Helper()
	s, err := temporal()
	if err != nil {
		t.Fatal(err)
	}
	return s.Address()
}
