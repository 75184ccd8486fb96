package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// noStore keeps answers out of every cache.
func noStore(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "private, no-store")
		return next(c)
	}
}

// Within lets go of whatever a request waits for once the time is over.
func Within(d time.Duration) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			whole := c.Request()
			ctx, cancel := context.WithTimeout(whole.Context(), d)
			defer cancel()
			c.SetRequest(whole.WithContext(ctx))
			defer c.SetRequest(whole)
			return next(c)
		}
	}
}

// bodyLimit is plenty: no request has anything to say in its body.
const bodyLimit = 4 << 10

// smallBody takes no body, or a JSON object, in which no member has a meaning
// yet.
func smallBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, bodyLimit))
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) { // the rest of it never came
			return echo.NewHTTPError(http.StatusBadRequest)
		}
		if err != nil {
			return err
		}
		body = bytes.TrimSpace(body)
		if len(body) > 0 && (body[0] != '{' || !json.Valid(body)) {
			return schema.Errorf(schema.Invalid, "invalid_body", "The body must be empty or a JSON object.")
		}
		return next(c)
	}
}
