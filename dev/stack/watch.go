package stack

import (
	"context"
	"time"

	"satchel/dev/services"
)

// Watch starts again, until Stop, whatever ends without having been told to,
// and says so. A part that keeps ending is given longer and longer pauses.
func (s *Stack) Watch() {
	ctx, cancel := context.WithCancel(context.Background())
	s.unwatch = cancel
	for _, part := range []*services.Service{s.Postgres.Service, s.Temporal.Service, s.S3.Service, s.Worker, s.Server} {
		s.watch.Go(func() { s.keepUp(ctx, part) })
	}
}

func (s *Stack) keepUp(ctx context.Context, part *services.Service) {
	pause := time.Second
	for {
		began := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-part.Done():
		}
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		for again := part.Crashed(); again; {
			s.options.say("%s ended by itself and is started again; see %s.", part.Name(), part.Log())
			err := part.Start(ctx)
			if again = err != nil; again && ctx.Err() == nil {
				s.options.say("%v", err)
			}
			if !rest(ctx, &pause) {
				return
			}
		}
		if !rest(ctx, &pause) {
			return
		}
	}
}

// rest waits for the pause and doubles it, up to half a minute. It is false
// where ctx ended meanwhile.
func rest(ctx context.Context, pause *time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(*pause):
	}
	*pause = min(2**pause, 30*time.Second)
	return true
}
