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
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// logRequests is a middleware that gives each request an ID and logs one line
// for it, with IDs and the pattern of its route, but never its URL, which may
// contain a token.
func logRequests(logger *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start, request := time.Now(), c.Request()
			var id [8]byte
			rand.Read(id[:]) //nolint:errcheck // crypto/rand.Read never fails since Go 1.24
			c.Response().Header().Set(echo.HeaderXRequestID, hex.EncodeToString(id[:]))
			cut := true // unless the handler returns
			defer func() { logRequest(logger, c, request, time.Since(start), cut) }()
			if err := next(c); err != nil {
				c.Error(err)
			}
			cut = false
			return nil
		}
	}
}

func logRequest(logger *slog.Logger, c echo.Context, r *http.Request, took time.Duration, cut bool) {
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
	logger.LogAttrs(context.WithoutCancel(r.Context()), respond.PolicyOf(c).LogLevel, "request", line...)
}

// clientLeft is the status of requests whose client left before the answer, in
// logs and metrics.
const clientLeft = 499

// statusOf returns the status of the answer.
func statusOf(c echo.Context, r *http.Request) int {
	if !c.Response().Committed && r.Context().Err() != nil {
		return clientLeft
	}
	return c.Response().Status
}

// routeOf returns the pattern of the route that a request matched.
func routeOf(c echo.Context) string {
	if c.Path() == "" {
		return "none"
	}
	return c.Path()
}

// methodOf replaces unknown methods, which a client can invent without end, by
// "other".
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// recoverPanics is a middleware that turns a panic into an internal error. Only
// the type of the value is logged: the value may contain personal data.
func recoverPanics(logger *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				v := recover()
				if v == nil {
					return
				}
				if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
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
