package testservices

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"satchel/dev/services"
)

// Main runs a package's tests and stops all services before the binary ends:
//
//	func TestMain(m *testing.M) { testservices.Main(m) }
//
// Without it the services end just after the binary does.
func Main(m *testing.M) {
	code := m.Run()
	for _, stop := range stops {
		_ = stop() // a service that does not stop is killed with this process
	}
	os.Exit(code)
}

var (
	stops   []func() error
	stopsMu sync.Mutex
)

// shared returns a function that starts a service once per test binary, on a
// free port.
func shared[T any](start func(ctx context.Context, dir string, port int) (T, *services.Service, error)) func() (T, error) {
	return sync.OnceValues(func() (T, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		var zero T
		dir, err := tempDir()
		if err != nil {
			return zero, err
		}
		for attempt := 1; ; attempt++ {
			port, err := services.FreePort()
			if err != nil {
				return zero, err
			}
			got, service, err := start(ctx, dir, port)
			if err == nil {
				stopsMu.Lock()
				stops = append(stops, service.Stop)
				stopsMu.Unlock()
				return got, nil
			}
			// Another test binary may have taken the port in the meantime.
			if attempt == 3 || services.CheckPort(ctx, "", port, "") == nil {
				return zero, err
			}
		}
	})
}
