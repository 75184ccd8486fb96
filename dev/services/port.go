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

// Loopback returns the address of a port on 127.0.0.1.
func Loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// FreePort returns a port that no program listens on. It is below the ephemeral
// range of outgoing connections, so that a service can be stopped and restarted
// on the same port.
func FreePort() (int, error) {
	for range 200 {
		port := 15000 + rand.IntN(17000)
		if listen(port) == nil {
			return port, nil
		}
	}
	return 0, errors.New("no free port between 15000 and 32000")
}

// CheckPort returns an error if another program listens on the port of the named
// service; the error names the environment variable that sets another port. A
// program that is closing the port has three seconds to finish.
func CheckPort(ctx context.Context, service string, port int, variable string) error {
	timeout := time.After(3 * time.Second)
	for {
		err := listen(port)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("port %d cannot be used for %s (%w); set %s to another port", port, service, err, variable)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		case <-timeout:
			return fmt.Errorf("port %d, which %s needs, is taken: stop the program that listens on it, or set %s to a free port", port, service, variable)
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
