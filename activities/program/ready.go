package program

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"satchel/schema"
)

// Names of the parts that the programs depend on.
const (
	PartDatabase       = "database"
	PartSourceDatabase = "sourceDatabase"
	PartStorage        = "storage"
	PartTemporal       = "temporal"
	PartArchive        = "archive" // of a worker that has one
	PartMail           = "mail"    // of workers
	PartSignIn         = "signIn"  // of a server with a host application
)

// States of a part.
const (
	StateOK    = "ok"
	StateAway  = "away"
	StateWrong = "wrong" // it answers, but not as it must
)

const (
	checkTimeout     = 3 * time.Second
	seldomTimeout    = 30 * time.Second // of a check that is not run at every probe
	checkInterval    = time.Second
	recheckInterval  = 5 * time.Second
	watchingInterval = 15 * time.Second
)

// Readiness runs checks when it is asked, at most once a second. It serves GET
// /readyz.
type Readiness struct {
	logger   *slog.Logger
	timeout  time.Duration
	stopping atomic.Bool

	mu      sync.Mutex // also keeps two requests from checking at once
	checked time.Time
	parts   map[string]Part

	results sync.Mutex // guards the mutable fields of the checks
	checks  []*check
}

// Part is the state of a part, and in a sentence why it is not ok: what is wrong, and
// which setting to look at.
type Part struct{ State, Reason string }

// check is a Check with its last result.
type check struct {
	Check
	running bool
	at      time.Time // when err was found; zero before the first result
	err     error
}

// NewReadiness makes a Readiness with these checks.
func NewReadiness(logger *slog.Logger, checks []Check) *Readiness {
	r := &Readiness{logger: logger, timeout: checkTimeout}
	for _, c := range checks {
		r.checks = append(r.checks, &check{Check: c})
	}
	return r
}

// Stop makes Readiness say that the program is stopping, from now on.
func (r *Readiness) Stop() { r.stopping.Store(true) }

// ServeHTTP answers 200 where all parts are ok, else 503. The body has the state of
// each part, and a reason for each that is not ok.
func (r *Readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	answer := struct {
		Status  string            `json:"status"`
		Parts   map[string]string `json:"parts"`
		Reasons map[string]string `json:"reasons,omitempty"`
	}{"ready", map[string]string{}, map[string]string{}}
	status := http.StatusOK
	for name, part := range r.Parts(req.Context()) {
		answer.Parts[name] = part.State
		if part.State != StateOK {
			answer.Status, status = "not ready", http.StatusServiceUnavailable
			answer.Reasons[name] = part.Reason
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

// Watch checks all parts from time to time until ctx ends, so that the log says what
// is wrong even if no probe asks.
func (r *Readiness) Watch(ctx context.Context) {
	_ = every(ctx, watchingInterval, func() bool { r.Parts(ctx); return false }) // ctx has ended
}

// AwaitStart waits until every check is as good as its Start demands, or ctx ends.
func (r *Readiness) AwaitStart(ctx context.Context) error {
	return every(ctx, checkInterval, func() bool {
		r.Parts(ctx)
		r.results.Lock()
		defer r.results.Unlock()
		return !slices.ContainsFunc(r.checks, func(c *check) bool {
			state := c.state()
			return c.Start == StartOK && state != StateOK ||
				c.Start == StartNotWrong && (state == StateWrong || c.at.IsZero() || errors.Is(c.err, errNotCompared))
		})
	})
}

// every calls do at once and then at intervals, until it returns true or ctx ends.
func every(ctx context.Context, interval time.Duration, do func() bool) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for !do() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Parts returns the state of each part, at most a second old.
func (r *Readiness) Parts(ctx context.Context) map[string]Part {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.checked) < checkInterval {
		return r.parts
	}
	r.run(context.WithoutCancel(ctx)) // the result serves other requests, too
	r.results.Lock()
	worst := make(map[string]*check)
	for _, c := range r.checks {
		if found := worst[c.Part]; found == nil || badness(c.state()) > badness(found.state()) {
			worst[c.Part] = c
		}
	}
	parts := make(map[string]Part, len(worst))
	for name, c := range worst {
		parts[name] = Part{State: c.state(), Reason: c.reason()}
		if before := r.parts[name]; parts[name] != before && (parts[name].State != StateOK || before.State != "") {
			r.logger.Warn("a part has changed its state", "part", name, "state", parts[name].State, "before", before.State,
				"reason", parts[name].Reason, "settings", c.Settings, "err", c.err)
		}
	}
	r.results.Unlock()
	r.checked, r.parts = time.Now(), parts
	return parts
}

// badness orders states. Of checks of one part that are equally bad the first is
// shown: they stand in the order in which to mend what they find.
func badness(state string) int { return slices.Index([]string{StateOK, StateAway, StateWrong}, state) }

// run runs the checks that are due, all at once, so that one that hangs does not use
// up the time of the others. It does not wait for checks that ignore their context.
func (r *Readiness) run(ctx context.Context) {
	ended := make(chan struct{}, len(r.checks))
	waiting := 0
	r.results.Lock()
	for _, c := range r.checks {
		if c.running && c.Every == 0 {
			c.err, c.at = context.DeadlineExceeded, time.Now()
		}
		if c.running || !c.due() {
			continue
		}
		c.running = true
		waiting++
		go func() {
			timeout := r.timeout
			if c.Every > 0 {
				timeout = seldomTimeout
			}
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			err := c.Run(ctx)
			r.results.Lock()
			defer r.results.Unlock()
			c.running, c.err, c.at = false, err, time.Now()
			ended <- struct{}{}
		}()
	}
	r.results.Unlock()
	timeout := time.NewTimer(r.timeout)
	defer timeout.Stop()
	for range waiting {
		select {
		case <-ended:
		case <-timeout.C:
			r.results.Lock()
			defer r.results.Unlock()
			for _, c := range r.checks {
				if c.running && (c.Every == 0 || c.at.IsZero()) {
					c.err, c.at = context.DeadlineExceeded, time.Now()
				}
			}
			return
		}
	}
}

// due reports whether a check is to be run again. One that is not run at every probe is repeated
// sooner while it fails, so that what was mended is soon seen.
func (c *check) due() bool {
	switch {
	case c.Every == 0:
		return true
	case c.err != nil:
		return time.Since(c.at) >= recheckInterval
	}
	return time.Since(c.at) >= c.Every
}

func (c *check) state() string {
	if errors.Is(c.err, errNotCompared) {
		return StateOK
	}
	return stateOf(c.err)
}

func stateOf(err error) string {
	_, setup := errors.AsType[*schema.SetupError](err)
	switch {
	case err == nil:
		return StateOK
	case setup:
		return StateWrong
	case schema.KindOf(err) == schema.Unavailable, errors.Is(err, context.DeadlineExceeded):
		return StateAway
	}
	return StateWrong
}

// reason returns a sentence that reveals nothing of a driver's error.
func (c *check) reason() string {
	var refused interface{ Refusal() string } // what an operator has to change, with the setting
	var safe interface{ SafeMessage() string }
	var sql interface{ SQLState() string }
	settings := "Look at " + strings.Join(c.Settings, ", ") + "."
	switch {
	case c.state() == StateOK:
		return ""
	case errors.As(c.err, &refused) && refused.Refusal() != "":
		return refused.Refusal()
	case errors.As(c.err, &safe):
		message := safe.SafeMessage()
		if slices.ContainsFunc(c.Settings, func(setting string) bool { return strings.Contains(message, setting) }) {
			return message
		}
		return strings.TrimSuffix(message, ".") + ". " + settings
	case c.state() == StateAway:
		return c.Subject + " does not answer. " + settings
	case errors.As(c.err, &sql):
		return c.Subject + " refuses with SQLSTATE " + sql.SQLState() + meaning(sql.SQLState()) + ". " + settings
	}
	return c.Subject + " does not work as it must; the log has the reason. " + settings
}

// meaning says what an operator should know of a SQLSTATE.
func meaning(code string) string {
	switch code {
	case "28P01", "28000":
		return " (user or password are wrong, or may not connect)"
	case "3D000":
		return " (there is no such database)"
	case "42501":
		return " (the role lacks a grant)"
	}
	return ""
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
