package program

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/schema"
)

// Check reports whether a dependency works. It may ignore its context.
type Check func(context.Context) error

// Names of the dependencies that both programs check.
const (
	CheckDatabase       = "database"
	CheckSourceDatabase = "sourceDatabase"
	CheckStorage        = "storage"
	CheckTemporal       = "temporal"
)

// States of a dependency.
const (
	StateOK    = "ok"
	StateAway  = "away"
	StateWrong = "wrong" // it answers, but not as it must; the log has the error
)

const (
	checkTimeout  = 3 * time.Second
	checkInterval = time.Second
)

// Readiness checks all dependencies when it is asked, at most once a second. It
// serves GET /readyz.
type Readiness struct {
	logger   *slog.Logger
	timeout  time.Duration
	stopping atomic.Bool

	mu      sync.Mutex // also keeps two requests from checking at once
	checks  map[string]Check
	checked time.Time
	states  map[string]string
}

// NewReadiness makes a Readiness with these checks, by name.
func NewReadiness(logger *slog.Logger, checks map[string]Check) *Readiness {
	return &Readiness{logger: logger, timeout: checkTimeout, checks: maps.Clone(checks)}
}

// Set replaces a check.
func (r *Readiness) Set(name string, check Check) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks[name], r.checked = check, time.Time{}
}

// Stop makes Readiness say that the program is stopping, from now on.
func (r *Readiness) Stop() { r.stopping.Store(true) }

// ServeHTTP answers 200 where all dependencies are ok, else 503. The body has
// the state of each.
func (r *Readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	answer := struct {
		Status string            `json:"status"`
		Parts  map[string]string `json:"parts"`
	}{"ready", r.States(req.Context())}
	status := http.StatusOK
	for _, state := range answer.Parts {
		if state != StateOK {
			answer.Status, status = "not ready", http.StatusServiceUnavailable
		}
	}
	if r.stopping.Load() {
		answer.Status, status = "stopping", http.StatusServiceUnavailable
	}
	if status != http.StatusOK {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, answer)
}

// States returns the state of each dependency, at most a second old.
func (r *Readiness) States(ctx context.Context) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.checked) < checkInterval {
		return r.states
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout) // the result serves other requests, too
	defer cancel()
	states := make(map[string]string, len(r.checks))
	for name, err := range runAll(ctx, r.checks) {
		states[name] = stateOf(err)
		if before, known := r.states[name]; states[name] != before && (known || err != nil) {
			r.logger.Warn("a dependency has changed its state", "dependency", name, "state", states[name], "before", before, "err", err)
		}
	}
	r.checked, r.states = time.Now(), states
	return states
}

// runAll runs all checks at once, so that one that hangs does not use up the
// time of the others. It does not wait for checks that ignore ctx.
func runAll(ctx context.Context, checks map[string]Check) map[string]error {
	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(checks))
	errs := make(map[string]error, len(checks))
	for name, check := range checks {
		errs[name] = context.DeadlineExceeded
		go func() { results <- result{name, check(ctx)} }()
	}
	for range checks {
		select {
		case r := <-results:
			errs[r.name] = r.err
		case <-ctx.Done():
			return errs
		}
	}
	return errs
}

// stateOf reveals nothing of the error's text.
func stateOf(err error) string {
	switch {
	case err == nil:
		return StateOK
	case schema.KindOf(err) == schema.Unavailable, errors.Is(err, context.DeadlineExceeded):
		return StateAway
	}
	return StateWrong
}

// TemporalCheck checks that Temporal answers.
func TemporalCheck(c client.Client) Check {
	return func(ctx context.Context) error {
		if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
			return &schema.Error{Kind: schema.Unavailable, Message: "Temporal does not answer", Cause: err}
		}
		return nil
	}
}

// NotConnected is the check of a dependency that the program is still
// connecting to.
func NotConnected(context.Context) error {
	return &schema.Error{Kind: schema.Unavailable, Message: "not connected yet"}
}

// Alive answers GET /healthz: the process is up, whether its dependencies are or
// not.
func Alive(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has left
}
