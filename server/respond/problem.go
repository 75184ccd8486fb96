package respond

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// statusOf maps the kind of an error to an HTTP status. No other table does.
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

// httpErrors are the codes and details of errors that HTTP itself or a
// middleware raises, by status.
var httpErrors = map[int]struct{ code, detail string }{
	http.StatusBadRequest:                   {schema.CodeInvalidRequest, "The request is not valid."},
	http.StatusNotFound:                     {schema.CodeNotFound, "There is nothing at this address."},
	http.StatusMethodNotAllowed:             {schema.CodeMethodNotAllowed, "This address does not support the method. The Allow header lists those that it supports."},
	http.StatusNotAcceptable:                {schema.CodeNotAcceptable, "The file can be sent as gzip or as it is, but Accept-Encoding excludes both."},
	http.StatusPreconditionFailed:           {schema.CodePreconditionFailed, "The file is no longer the one that the request refers to."},
	http.StatusRequestEntityTooLarge:        {schema.CodeTooLarge, "The request body is too large."},
	http.StatusUnsupportedMediaType:         {schema.CodeUnsupportedMediaType, "The content type of the request body is not supported."},
	http.StatusRequestedRangeNotSatisfiable: {schema.CodeRangeNotSatisfiable, "The requested range is outside the file. The Content-Range header gives the length of the file."},
	http.StatusTooManyRequests:              {schema.CodeTooManyRequests, "Too many requests. Please try again less often."},
	http.StatusServiceUnavailable:           {schema.CodeUnavailable, "This is not possible right now. Please try again in a moment."},
}

// unavailableRetryAfter is the Retry-After of a 503 whose error names none.
const unavailableRetryAfter = 8 * time.Second

// problem is a problem document (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`

	RequestID string `json:"requestId,omitempty"`

	members    any // extension members, a JSON object, or nil
	retryAfter time.Duration
}

// Extended is implemented by errors that add members to their problem document
// (RFC 9457, section 3.2).
type Extended interface {
	error
	// ProblemMembers returns a value that encodes as a JSON object with at least one member.
	ProblemMembers() any
}

// Problem answers a request with a problem document that describes err. What
// the caller cannot act on is only logged, and answered with the request's ID.
// Where the answer has begun, Problem aborts the connection, so that the answer
// does not look complete.
func Problem(c echo.Context, err error) error {
	if ClientLeft(c, err) {
		return nil
	}
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		LogFailure(c, p.Status, err)
	}
	AbortIfCommitted(c)
	header := c.Response().Header()
	if p.Status == http.StatusInternalServerError {
		p.RequestID = header.Get(echo.HeaderXRequestID)
	}
	if p.Status == http.StatusUnauthorized && header.Get(echo.HeaderWWWAuthenticate) == "" {
		header.Set(echo.HeaderWWWAuthenticate, "Bearer")
		if isProgram(c.Request()) {
			header.Add(echo.HeaderWWWAuthenticate, `Basic realm="Satchel", charset="UTF-8"`)
		}
	}
	RetryAfter(header, p.retryAfter)
	body, err := p.encode()
	if err != nil {
		return err
	}
	header.Set(echo.HeaderCacheControl, "private, no-store")
	header.Set(echo.HeaderContentType, "application/problem+json") // replaces what the handler set
	return c.Blob(p.Status, header.Get(echo.HeaderContentType), body)
}

// isProgram reports whether a request is from no browser: Basic would make a browser
// open a dialog, and some programs send a secret only where Basic is offered.
func isProgram(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "" && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get(echo.HeaderCookie) == ""
}

// encode puts the extension members behind the standard ones.
func (p problem) encode() ([]byte, error) {
	body, err := json.Marshal(p)
	if err != nil || p.members == nil {
		return body, err
	}
	members, err := json.Marshal(p.members)
	if err != nil {
		return nil, err
	}
	return append(append(body[:len(body)-1], ','), members[1:]...), nil
}

// Describe returns what Problem says of an error, for answers in another format:
// the status, a sentence for the caller, and how long to wait, or 0.
func Describe(err error) (status int, detail string, retryAfter time.Duration) {
	p := problemOf(err)
	return p.Status, p.Detail, p.retryAfter
}

func problemOf(err error) problem {
	if known, ok := errors.AsType[*schema.Error](err); ok {
		p := newProblem(statusOf[known.Kind], known.Code, known.Message)
		p.retryAfter = known.RetryAfter
		if extended, ok := errors.AsType[Extended](err); ok {
			p.members = extended.ProblemMembers()
		}
		return p
	}
	status := http.StatusInternalServerError
	if raised, ok := errors.AsType[*echo.HTTPError](err); ok {
		status = raised.Code
	} else if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	} else if errors.Is(err, context.DeadlineExceeded) || sqlstate.IsBusy(err) {
		status = http.StatusServiceUnavailable
	}
	text, ok := httpErrors[status]
	if !ok {
		return newProblem(http.StatusInternalServerError, schema.CodeInternal, "Something went wrong on our side. If it happens again, please contact support and quote the request ID.")
	}
	p := newProblem(status, text.code, text.detail)
	if status == http.StatusServiceUnavailable {
		p.retryAfter = unavailableRetryAfter
	}
	return p
}

func newProblem(status int, code, detail string) problem {
	if status == 0 {
		status = http.StatusInternalServerError
	}
	return problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}
