package respond

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// ClientLeft reports whether err only says that the client has closed the
// connection: no answer can reach it, and nothing is logged.
func ClientLeft(c echo.Context, err error) bool {
	return errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil
}

// AbortIfCommitted ends the request where its answer has begun: net/http closes
// the connection, and the client sees that the answer is incomplete.
func AbortIfCommitted(c echo.Context) {
	if c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
}

// RetryAfter sets the Retry-After header in whole seconds, rounded up. It sets
// none where wait is 0.
func RetryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// LogFailure logs the full text of an error that is answered with a status of
// 500 or above. A 503 is a warning: a dependency is unavailable.
func LogFailure(c echo.Context, status int, err error) {
	level := slog.LevelError
	if status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	slog.LogAttrs(c.Request().Context(), level, "request failed",
		slog.String("method", c.Request().Method), slog.String("route", c.Path()), slog.Int("status", status),
		slog.String("request_id", c.Response().Header().Get(echo.HeaderXRequestID)), slog.Any("err", err))
}
