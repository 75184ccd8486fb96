package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

const (
	// refusalWindow is how long storage may refuse an activity before it fails for good. It
	// bridges a change of credentials or of a policy, which takes minutes to be known
	// everywhere. Hours would only hide what an operator has to mend.
	refusalWindow = 3 * time.Minute
	// refusalRetryDelay is the delay between attempts within the window.
	refusalRetryDelay = 15 * time.Second
	// refusalMemory is after which time an activity that did not come back is forgotten.
	refusalMemory = time.Hour
)

// refusal is an error that another attempt does not mend, such as a wrong secret.
// Package vault returns such errors; workflows must not reach it.
type refusal interface {
	error
	Refusal() string // "" if another attempt may succeed
}

func refusalOf(err error) string {
	if refused, ok := errors.AsType[refusal](err); ok {
		return refused.Refusal()
	}
	return ""
}

// refusedError is a refusal within refusalWindow, or after it.
type refusedError struct {
	error
	sentence string
	final    bool
}

func (e *refusedError) Unwrap() error { return e.error }

// Refusals remembers since when storage refuses activities on this worker. The zero
// value is ready for use.
type Refusals struct {
	mu    sync.Mutex
	since map[string]time.Time
}

// Limit makes a refusal final once storage has refused this activity for refusalWindow.
// It takes the result of every attempt, also where that is nil.
func (r *Refusals) Limit(ctx context.Context, err error) error {
	info, sentence := activity.GetInfo(ctx), refusalOf(err)
	return r.limit(info.WorkflowExecution.RunID+"/"+info.ActivityID, sentence, err, time.Now())
}

func (r *Refusals) limit(id, sentence string, err error, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sentence == "" {
		delete(r.since, id)
		return err
	}
	for other, since := range r.since {
		if now.Sub(since) > refusalMemory {
			delete(r.since, other)
		}
	}
	since, refused := r.since[id]
	if !refused {
		since = now
		if r.since == nil {
			r.since = map[string]time.Time{}
		}
		r.since[id] = since
	}
	final := now.Sub(since) >= refusalWindow
	if final {
		delete(r.since, id)
	}
	return &refusedError{err, sentence, final}
}
