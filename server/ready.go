package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"go.temporal.io/sdk/client"

	"satchel/schema"
)

// readiness asks every part whether it is there, at most once a second.
type readiness struct {
	checks   map[string]func(context.Context) error
	logger   *slog.Logger
	stopping atomic.Bool

	mu    sync.Mutex
	at    time.Time
	parts map[string]string
}

// States of a part, in words for whoever watches.
const (
	isThere = "ok"
	isAway  = "away"
	isWrong = "wrong" // it answers, but not as it must; the log says more
)

func newReadiness(p *parts, logger *slog.Logger) *readiness {
	return &readiness{logger: logger, checks: map[string]func(context.Context) error{
		"database":       p.store.Ready,
		"sourceDatabase": p.source.Ping,
		"storage":        p.vault.Check,
		"temporal": func(ctx context.Context) error {
			if _, err := p.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
				return &schema.Error{Kind: schema.Unavailable, Message: "Temporal does not answer", Cause: err}
			}
			return nil
		},
	}}
}

// answer answers GET /readyz: 200 when we can do all that we promise, else 503
// and which part is in the way.
func (r *readiness) answer(c echo.Context) error {
	answer := struct {
		Status string            `json:"status"`
		Parts  map[string]string `json:"parts"`
	}{"ready", r.ask(c.Request().Context())}
	status := http.StatusOK
	for _, state := range answer.Parts {
		if state != isThere {
			answer.Status, status = "not ready", http.StatusServiceUnavailable
		}
	}
	if r.stopping.Load() {
		answer.Status, status = "stopping", http.StatusServiceUnavailable
	}
	if status != http.StatusOK {
		c.Response().Header().Set(echo.HeaderRetryAfter, "1")
	}
	return c.JSON(status, answer)
}

func (r *readiness) ask(ctx context.Context) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < time.Second {
		return r.parts
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	parts := make(map[string]string, len(r.checks))
	for part, err := range r.check(ctx) {
		parts[part] = wordFor(err)
		if before, known := r.parts[part]; parts[part] != before && (known || err != nil) {
			r.logger.Warn("a part has changed", "part", part, "is", parts[part], "was", before, "err", err)
		}
	}
	r.at, r.parts = time.Now(), parts
	return parts
}

// check asks every part at once. One that has not answered when the time is
// over is left behind: it may not honour its context.
func (r *readiness) check(ctx context.Context) map[string]error {
	type answer struct {
		part string
		err  error
	}
	answers := make(chan answer, len(r.checks))
	told := make(map[string]error, len(r.checks))
	for part, check := range r.checks {
		told[part] = context.DeadlineExceeded
		go func() { answers <- answer{part, check(ctx)} }()
	}
	for range r.checks {
		select {
		case a := <-answers:
			told[a.part] = a.err
		case <-ctx.Done():
			return told
		}
	}
	return told
}

// wordFor says how a part is, and nothing that it said itself.
func wordFor(err error) string {
	switch {
	case err == nil:
		return isThere
	case schema.KindOf(err) == schema.Unavailable, errors.Is(err, context.DeadlineExceeded):
		return isAway
	}
	return isWrong
}
