package testservices

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"satchel/dev/services"
)

// Main runs a package's tests and has every part stopped before the binary
// ends: func TestMain(m *testing.M) { testservices.Main(m) }. Without it the
// parts end just after the binary does.
func Main(m *testing.M) {
	code := m.Run()
	for _, stop := range stops {
		_ = stop() // what does not stop dies with us
	}
	os.Exit(code)
}

var (
	stops   []func() error
	stopsMu sync.Mutex
)

// shared starts a part once for the whole test binary, on a port of its own.
func shared[T any](begin func(ctx context.Context, dir string, port int) (T, *services.Service, error)) func() (T, error) {
	return sync.OnceValues(func() (T, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		var none T
		dir, err := scratch()
		if err != nil {
			return none, err
		}
		for attempt := 1; ; attempt++ {
			port, err := services.FreePort()
			if err != nil {
				return none, err
			}
			got, part, err := begin(ctx, dir, port)
			if err == nil {
				stopsMu.Lock()
				stops = append(stops, part.Stop)
				stopsMu.Unlock()
				return got, nil
			}
			// Another test binary may have taken the port since we looked.
			if attempt == 3 || services.CheckPort(ctx, "", port, "") == nil {
				return none, err
			}
		}
	})
}

// scratch makes a directory that is removed once this program has ended and
// Postgres has let go of it.
func scratch() (string, error) {
	dir, err := os.MkdirTemp("", "satchel-test-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres' own user passes through
		return "", err
	}
	return dir, services.WhenWeEnd(`
		n=0
		while [ -e "$1/postgres/data/postmaster.pid" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done
		rm -rf "$1"`, dir)
}
