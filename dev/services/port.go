package services

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"
)

// Loopback is the address of a port on this machine that no other can reach.
func Loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// FreePort finds a port that nobody listens on. It stays below the range that
// outgoing connections take theirs from, so that a part can be stopped and
// come back on its own port.
func FreePort() (int, error) {
	for range 200 {
		port := 15000 + rand.IntN(17000)
		if listen(port) == nil {
			return port, nil
		}
	}
	return 0, errors.New("no free port between 15000 and 32000")
}

// CheckPort says in a sentence that something else listens on the port that
// the named part wants, and which environment variable gives it another. What
// is about to let go of the port gets three seconds to do so.
func CheckPort(ctx context.Context, part string, port int, variable string) error {
	patience := time.After(3 * time.Second)
	for {
		err := listen(port)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("port %d cannot be used for %s (%w); set %s to another port", port, part, err, variable)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		case <-patience:
			return fmt.Errorf("port %d, which %s needs, is taken: stop the program that listens on it, or set %s to a free port", port, part, variable)
		}
	}
}

func listen(port int) error {
	l, err := net.Listen("tcp", Loopback(port))
	if err != nil {
		return err
	}
	return l.Close()
}
