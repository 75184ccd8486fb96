package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// serve serves until ctx ends. Then it accepts no more connections, ends event
// streams, and lets downloads continue for STOP_GRACE.
func serve(ctx context.Context, s validated, d *deps, logger *slog.Logger) error {
	h := newHandler(s, d, logger)
	listener, err := net.Listen("tcp", s.address())
	if err != nil {
		return fmt.Errorf("listen on %s (HOST, PORT): %w", s.address(), err)
	}
	metricsListener, err := net.Listen("tcp", s.MetricsAddress)
	if err != nil {
		return errors.Join(fmt.Errorf("listen on %s (METRICS_ADDRESS): %w", s.MetricsAddress, err), listener.Close())
	}
	public, metricsServer := newServer(h, logger), newServer(h.metrics.handler(), logger)
	public.RegisterOnShutdown(h.api.EndStreams)

	serving, ctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return ignoreClosed(public.Serve(listener)) })
	serving.Go(func() error { return ignoreClosed(metricsServer.Serve(metricsListener)) })
	serving.Go(func() error { h.ready.Watch(ctx); return nil })
	serving.Go(func() error {
		<-ctx.Done()
		h.ready.Stop()
		logger.Info("stopping", "grace", s.StopGrace.String())
		return errors.Join(stop(public, s.StopGrace), stop(metricsServer, time.Second))
	})
	logger.Info("serving", "address", listener.Addr().String(), "metrics", metricsListener.Addr().String(), "site", string(s.site), "dev", s.Dev)
	err = serving.Wait()
	logger.Info("stopped")
	return err
}

// stop waits for running requests for the grace, then closes their connections.
func stop(server *http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
