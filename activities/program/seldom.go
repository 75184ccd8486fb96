package program

import (
	"context"
	"sync"
	"time"
)

// How often a check that costs something is made: while it succeeds, and while it fails.
const (
	seldomAfterSuccess = 5 * time.Minute
	seldomAfterFailure = 10 * time.Second
	seldomTimeout      = 30 * time.Second
)

// Seldom makes a check that is too dear for every request to /readyz. It runs in the
// background and takes as long as it takes; until the next result is known, the last one
// counts.
func Seldom(check Check) Check {
	s := &seldom{check: check}
	return s.latest
}

type seldom struct {
	check Check

	mu      sync.Mutex
	running chan struct{} // closed when the running check ends; nil if none is running
	checked bool
	at      time.Time
	err     error
}

func (s *seldom) latest(ctx context.Context) error {
	checked, running, err := s.state(ctx)
	if checked {
		return err
	}
	select {
	case <-running:
		_, _, err = s.state(ctx)
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// state returns the last result, and what to wait for if there is none yet. It starts
// the check if that is due.
func (s *seldom) state(ctx context.Context) (checked bool, running <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after := seldomAfterSuccess
	if s.err != nil {
		after = seldomAfterFailure
	}
	if s.running == nil && (!s.checked || time.Since(s.at) > after) {
		s.running = make(chan struct{})
		go s.run(context.WithoutCancel(ctx))
	}
	return s.checked, s.running, s.err
}

func (s *seldom) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, seldomTimeout)
	defer cancel()
	err := s.check(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checked, s.at, s.err = true, time.Now(), err
	close(s.running)
	s.running = nil
}

// All makes several checks one after the other, up to the first that fails.
func All(checks ...Check) Check {
	return func(ctx context.Context) error {
		for _, check := range checks {
			if err := check(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}
