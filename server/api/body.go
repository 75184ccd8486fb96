package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// maxBody is the largest body that a request may have. No request needs one.
const maxBody = 4 << 10

// jsonBody is a middleware that accepts an empty body or a JSON object, whose
// members have no meaning yet.
func jsonBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) { // the rest was never sent
			return echo.NewHTTPError(http.StatusBadRequest)
		}
		if err != nil {
			return err
		}
		body = bytes.TrimSpace(body)
		if len(body) > 0 && (body[0] != '{' || !json.Valid(body)) {
			return schema.Errorf(schema.Invalid, schema.CodeInvalidBody, "The request body must be empty or a JSON object.")
		}
		return next(c)
	}
}
