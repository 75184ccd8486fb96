package respond

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"
)

// RequestTimeout is how long a handler may take that does not stream, unless
// its Policy says otherwise.
const RequestTimeout = 15 * time.Second

// Timeout returns a middleware that cancels the request's context after d.
func Timeout(d time.Duration) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			original := c.Request()
			ctx, cancel := context.WithTimeout(original.Context(), d)
			defer cancel()
			c.SetRequest(original.WithContext(ctx))
			defer c.SetRequest(original)
			return next(c)
		}
	}
}

// TotalTimeout is a middleware that applies the TotalTimeout of the route's
// Policy to everything behind it.
func TotalTimeout(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if d := PolicyOf(c).TotalTimeout; d > 0 {
			return Timeout(d)(next)(c)
		}
		return next(c)
	}
}
