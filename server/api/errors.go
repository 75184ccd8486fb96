package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// statusOf is the one table from what a caller can do to an HTTP status.
var statusOf = map[schema.Kind]int{
	schema.Invalid:         http.StatusBadRequest,
	schema.Unauthenticated: http.StatusUnauthorized,
	schema.Forbidden:       http.StatusForbidden,
	schema.NotFound:        http.StatusNotFound,
	schema.Conflict:        http.StatusConflict,
	schema.Gone:            http.StatusGone,
	schema.Limited:         http.StatusTooManyRequests,
	schema.Unavailable:     http.StatusServiceUnavailable,
}

// ofHTTP are the codes and words of what goes wrong before anybody asks for an
// export, or in the ways of HTTP itself.
var ofHTTP = map[int]struct{ code, detail string }{
	http.StatusBadRequest:                   {"invalid_request", "We could not read the request."},
	http.StatusNotFound:                     {"not_found", "There is nothing here."},
	http.StatusMethodNotAllowed:             {"method_not_allowed", "This address does not know the method. The Allow header says which it knows."},
	http.StatusNotAcceptable:                {"not_acceptable", "The file can be sent as gzip or as it is, and Accept-Encoding refuses both."},
	http.StatusPreconditionFailed:           {"precondition_failed", "The file is not the one that the request is about."},
	http.StatusRequestEntityTooLarge:        {"too_large", "The request’s body is too large."},
	http.StatusUnsupportedMediaType:         {"unsupported_media_type", "The request’s body is of a kind that we cannot read."},
	http.StatusRequestedRangeNotSatisfiable: {"range_not_satisfiable", "The file is shorter than that. The Content-Range header says how long it is."},
	http.StatusTooManyRequests:              {"too_many_requests", "Please ask less often."},
	http.StatusServiceUnavailable:           {"unavailable", "We cannot do this right now. Please try again soon."},
}

// problem is what an error looks like (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`

	RequestID string `json:"requestId,omitempty"`
	*busy

	retryAfter time.Duration
}

// busy is what a BusyError adds: both keys, always.
type busy struct {
	ExportID    string  `json:"exportId"`
	AvailableAt *string `json:"availableAt"`
}

// WriteProblem answers a request with what went wrong. What the caller cannot
// act on is told in the log alone, and answered with the request's ID. An
// answer that had begun is cut off, so that it does not look whole.
func WriteProblem(c echo.Context, err error) error {
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return nil // nobody is there to hear
	}
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		LogTrouble(c, p.Status, err)
	}
	if c.Response().Committed {
		panic(http.ErrAbortHandler) // net/http's way to say that what was sent is not all
	}
	header := c.Response().Header()
	if p.Status == http.StatusInternalServerError {
		p.RequestID = header.Get(echo.HeaderXRequestID)
	}
	if p.Status == http.StatusUnauthorized && header.Get(echo.HeaderWWWAuthenticate) == "" {
		header.Set(echo.HeaderWWWAuthenticate, "Bearer") // Basic, which is as good, would make browsers ask by themselves
	}
	RetryAfter(header, p.retryAfter)
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	header.Set(echo.HeaderCacheControl, "private, no-store")
	header.Set(echo.HeaderContentType, "application/problem+json") // whatever it was to be
	return c.Blob(p.Status, header.Get(echo.HeaderContentType), body)
}

// RetryAfter says in the header of an answer how long to wait, if that is known.
func RetryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// Words are what WriteProblem would say of an error, for an answer in another
// form: the status, a sentence for the caller, and how long to wait if that
// is known.
func Words(err error) (status int, sentence string, retryAfter time.Duration) {
	p := problemOf(err)
	return p.Status, p.Detail, p.retryAfter
}

func problemOf(err error) problem {
	if known, ok := errors.AsType[*schema.Error](err); ok {
		p := newProblem(statusOf[known.Kind], known.Code, known.Message)
		p.retryAfter = known.RetryAfter
		if b, ok := errors.AsType[*BusyError](err); ok {
			p.busy = &busy{ExportID: b.ExportID, AvailableAt: instant(b.AvailableAt)}
		}
		return p
	}
	status := http.StatusInternalServerError
	if spoken, ok := errors.AsType[*echo.HTTPError](err); ok {
		status = spoken.Code
	} else if isA[*http.MaxBytesError](err) {
		status = http.StatusRequestEntityTooLarge
	} else if errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusServiceUnavailable
	}
	words, ok := ofHTTP[status]
	if !ok {
		return newProblem(http.StatusInternalServerError, "internal", "Something went wrong on our side. If it does so again, tell us the request’s ID.")
	}
	p := newProblem(status, words.code, words.detail)
	if status == http.StatusServiceUnavailable {
		p.retryAfter = patience
	}
	return p
}

func newProblem(status int, code, detail string) problem {
	if status == 0 {
		status = http.StatusInternalServerError
	}
	return problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// LogTrouble is for the person awake at night.
func LogTrouble(c echo.Context, status int, err error) {
	level := slog.LevelError
	if status == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	slog.LogAttrs(c.Request().Context(), level, "request did not succeed",
		slog.String("method", c.Request().Method), slog.String("route", c.Path()), slog.Int("status", status),
		slog.String("request_id", c.Response().Header().Get(echo.HeaderXRequestID)), slog.Any("err", err))
}
