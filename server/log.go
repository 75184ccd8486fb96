package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
)

// observe gives every request an ID and writes one line about it: IDs, the
// pattern of its route and never its URL, in which there may be a token.
func observe(logger *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			began, request := time.Now(), c.Request()
			var id [8]byte
			rand.Read(id[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
			c.Response().Header().Set(echo.HeaderXRequestID, hex.EncodeToString(id[:]))
			cut := true // unless we come back
			defer func() { tell(logger, c, request, time.Since(began), cut) }()
			if err := next(c); err != nil {
				c.Error(err)
			}
			cut = false
			return nil
		}
	}
}

func tell(logger *slog.Logger, c echo.Context, r *http.Request, took time.Duration, cut bool) {
	level := slog.LevelInfo
	if path := c.Path(); path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/static/") {
		level = slog.LevelDebug
	}
	line := []slog.Attr{
		slog.String("method", methodOf(r)), slog.String("route", routeOf(c)),
		slog.Int("status", statusOf(c, r)), slog.Int64("bytes", c.Response().Size),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("request_id", c.Response().Header().Get(echo.HeaderXRequestID)),
	}
	if p, err := auth.Of(c); err == nil || p.Account != "" {
		line = append(line, slog.String("account", p.Account), slog.String("user", p.User), slog.String("via", string(p.Method)))
		if p.Credential != "" {
			line = append(line, slog.String("credential", p.Credential))
		}
	}
	switch id := c.Param("id"); {
	case schema.IsExportID(id):
		line = append(line, slog.String("export", id))
	case schema.IsJobID(id):
		line = append(line, slog.String("job", id))
	case schema.IsDayFileID(id):
		line = append(line, slog.String("file", id))
	}
	if cut {
		line = append(line, slog.Bool("cut", true))
	}
	logger.LogAttrs(context.WithoutCancel(r.Context()), level, "request", line...)
}

// clientLeft is what is logged and counted where nobody waited for an answer.
const clientLeft = 499

// statusOf is what was answered.
func statusOf(c echo.Context, r *http.Request) int {
	if !c.Response().Committed && r.Context().Err() != nil {
		return clientLeft
	}
	return c.Response().Status
}

// routeOf is the pattern that a request's path met.
func routeOf(c echo.Context) string {
	if c.Path() == "" {
		return "none"
	}
	return c.Path()
}

// methodOf keeps methods that somebody made up out of logs and metrics.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// recoverPanics turns a panic into an internal error. Of what was panicked
// with, only the kind is logged: it could hold anything.
func recoverPanics(logger *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				v := recover()
				if v == nil {
					return
				}
				if v == http.ErrAbortHandler { //nolint:errorlint // it is compared so by net/http, too
					panic(v)
				}
				what := fmt.Sprintf("%T", v)
				if known, ok := v.(runtime.Error); ok {
					what = known.Error()
				}
				logger.ErrorContext(c.Request().Context(), "panic", "route", routeOf(c), "what", what, "stack", string(debug.Stack()),
					"request_id", c.Response().Header().Get(echo.HeaderXRequestID))
				err = fmt.Errorf("panic: %s", what)
			}()
			return next(c)
		}
	}
}
