package stack

import (
	"context"
	"time"

	"satchel/dev/services"
)

// Watch restarts services that crash, until Stop, and reports each restart. A service
// that keeps crashing is restarted after growing pauses.
func (s *Stack) Watch() {
	ctx, cancel := context.WithCancel(context.Background())
	s.unwatch = cancel
	for _, service := range []*services.Service{s.Postgres.Service, s.Temporal.Service, s.S3.Service, s.Worker, s.Server} {
		s.watch.Go(func() { s.keepRunning(ctx, service) })
	}
}

// keepRunning restarts one service whenever it has crashed.
func (s *Stack) keepRunning(ctx context.Context, service *services.Service) {
	pause := time.Second
	for {
		began := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-service.Done():
		}
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		for down := service.Crashed(); down; {
			s.options.say("%s ended by itself and is started again; see %s.", service.Name(), service.Log())
			err := service.Start(ctx)
			if down = err != nil; down && ctx.Err() == nil {
				s.options.say("%v", err)
			}
			if !backOff(ctx, &pause) {
				return
			}
		}
		if !backOff(ctx, &pause) {
			return
		}
	}
}

// backOff waits for the pause and doubles it, up to half a minute. It returns
// false if ctx ends first.
func backOff(ctx context.Context, pause *time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(*pause):
	}
	*pause = min(2**pause, 30*time.Second)
	return true
}
