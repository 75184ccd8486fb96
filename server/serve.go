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

// serve answers until ctx ends. Then it takes no more connections, ends event
// streams, and lets downloads go on for the grace.
func serve(ctx context.Context, s settled, p *parts, logger *slog.Logger) error {
	h := newHandler(s, p, logger)
	front, err := net.Listen("tcp", s.address())
	if err != nil {
		return fmt.Errorf("listen on %s (HOST, PORT): %w", s.address(), err)
	}
	back, err := net.Listen("tcp", s.MetricsAddress)
	if err != nil {
		return errors.Join(fmt.Errorf("listen on %s (METRICS_ADDRESS): %w", s.MetricsAddress, err), front.Close())
	}
	public, watch := newServer(h, logger), newServer(h.metrics.handler(), logger)
	public.RegisterOnShutdown(h.api.EndStreams)

	serving, ctx := errgroup.WithContext(ctx)
	serving.Go(func() error { return untilClosed(public.Serve(front)) })
	serving.Go(func() error { return untilClosed(watch.Serve(back)) })
	serving.Go(func() error {
		<-ctx.Done()
		h.ready.stopping.Store(true)
		logger.Info("stopping", "grace", s.StopGrace.String())
		return errors.Join(stop(public, s.StopGrace), stop(watch, time.Second))
	})
	logger.Info("serving", "address", front.Addr().String(), "metrics", back.Addr().String(), "site", string(s.site), "dev", s.Dev)
	err = serving.Wait()
	logger.Info("stopped")
	return err
}

// stop lets requests that are under way end, and cuts those that take longer.
func stop(server *http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

func untilClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
