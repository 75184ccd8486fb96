package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/respond"
)

// jsonContentType is the content type of every body except files.
const jsonContentType = "application/json; charset=utf-8"

// errorDocument is Twilio's error document. It has no "type" and "title": with them, the Node
// and Python libraries take it for another kind of error.
type errorDocument struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

// twilioCode returns Twilio's error code for an HTTP status.
func twilioCode(status int) int {
	switch status {
	case http.StatusBadRequest:
		return 20001
	case http.StatusUnauthorized:
		return 20003
	case http.StatusMethodNotAllowed:
		return 20004
	}
	return 20000 + status
}

// WriteError answers a request with Twilio's error document. Details that the caller cannot
// act on go to the log only. A response that has already begun is aborted, so that it does not
// look complete.
func (b *Bulk) WriteError(c echo.Context, err error) error {
	if respond.ClientLeft(c, err) {
		return nil
	}
	status, message, wait := describeError(c, err)
	if status >= http.StatusInternalServerError {
		respond.LogFailure(c, status, err)
	}
	respond.AbortIfCommitted(c)
	h := c.Response().Header()
	if status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, `Basic realm="Satchel"`)
	}
	respond.RetryAfter(h, wait)
	code := twilioCode(status)
	return writeJSON(c, status, errorDocument{
		Code: code, Message: message, Status: status, MoreInfo: b.baseURL(c.Request()) + "/docs/errors/" + strconv.Itoa(code),
	})
}

// describeError returns the status and message for an error, and how long to wait before a
// retry.
func describeError(c echo.Context, err error) (status int, message string, wait time.Duration) {
	status, message, wait = respond.Describe(err)
	switch status {
	case http.StatusGone, http.StatusNotFound:
		status = http.StatusNotFound
		message = "The requested resource " + displayPath(c.Request()) + " was not found."
		if known, ok := errors.AsType[*schema.Error](err); ok {
			message += " " + known.Message
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		wait = max(wait, time.Second) // always send Retry-After
	}
	return status, message, wait
}

// displayPath returns the path of a request, shortened to a readable length.
func displayPath(r *http.Request) string {
	const maxLength = 200
	if p := r.URL.EscapedPath(); len(p) <= maxLength {
		return p
	}
	return r.URL.EscapedPath()[:maxLength] + "…"
}

// writeJSON sends a JSON body with the headers that Twilio's API has.
func writeJSON(c echo.Context, status int, v any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "private, no-store")
	h.Set(echo.HeaderContentType, jsonContentType) // may have been set for a file
	return c.Blob(status, jsonContentType, body.Bytes())
}

// isBodyTooLarge reports whether reading the body exceeded the size limit.
func isBodyTooLarge(err error) bool {
	status, _, _ := respond.Describe(err)
	return status == http.StatusRequestEntityTooLarge
}
