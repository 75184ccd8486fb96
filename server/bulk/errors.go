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

// contentType is that of every body but the files.
const contentType = "application/json; charset=utf-8"

// problem is Twilio's error document. It has no "type" and "title" beside
// these: Node and Python would then take it for another kind of error.
type problem struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

// codeOf is Twilio's code for a status.
func codeOf(status int) int {
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

// WriteError answers a request with what went wrong, as an error document. What
// the caller cannot act on is told in the log alone. An answer that had begun
// is cut off, so that it does not look whole.
func (b *Bulk) WriteError(c echo.Context, err error) error {
	if respond.ClientLeft(c, err) {
		return nil
	}
	status, message, wait := words(c, err)
	if status >= http.StatusInternalServerError {
		respond.LogFailure(c, status, err)
	}
	respond.AbortIfCommitted(c)
	h := c.Response().Header()
	if status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, `Basic realm="Satchel"`)
	}
	respond.RetryAfter(h, wait)
	code := codeOf(status)
	return answer(c, status, problem{
		Code: code, Message: message, Status: status, MoreInfo: b.base(c.Request()) + "/docs/errors/" + strconv.Itoa(code),
	})
}

// words are what is said of an error.
func words(c echo.Context, err error) (status int, message string, wait time.Duration) {
	status, message, wait = respond.Describe(err)
	switch status {
	case http.StatusGone, http.StatusNotFound:
		status = http.StatusNotFound
		message = "The requested resource " + path(c.Request()) + " was not found."
		if known, ok := errors.AsType[*schema.Error](err); ok {
			message += " " + known.Message
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		wait = max(wait, time.Second) // whoever tries again wants to know when
	}
	return status, message, wait
}

// path is the path of a request, as long as anybody wants to read.
func path(r *http.Request) string {
	const most = 200
	if p := r.URL.EscapedPath(); len(p) <= most {
		return p
	}
	return r.URL.EscapedPath()[:most] + "…"
}

// answer sends JSON as Twilio does.
func answer(c echo.Context, status int, v any) error {
	var body bytes.Buffer
	to := json.NewEncoder(&body)
	to.SetEscapeHTML(false) // what is no page need not look like one
	if err := to.Encode(v); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "private, no-store")
	h.Set(echo.HeaderContentType, contentType) // whatever it was to be
	return c.Blob(status, contentType, body.Bytes())
}

// isTooLarge tells of a body beyond the limit.
func isTooLarge(err error) bool {
	status, _, _ := respond.Describe(err)
	return status == http.StatusRequestEntityTooLarge
}
