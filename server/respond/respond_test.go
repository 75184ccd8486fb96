package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// serve sends a request to e.
func serve(t *testing.T, e *echo.Echo, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// answerTo returns the response to err and its decoded problem.
func answerTo(t *testing.T, err error) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		c.Response().Header().Set(echo.HeaderXRequestID, "the request")
		c.Response().Header().Set(echo.HeaderContentType, "text/html")
		require.NoError(t, Problem(c, err))
	}
	e.GET("/", func(echo.Context) error { return err })
	w := serve(t, e, http.MethodGet, "/")
	var body map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	require.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))
	require.EqualValues(t, w.Code, body["status"])
	require.Equal(t, "about:blank", body["type"])
	require.Equal(t, http.StatusText(w.Code), body["title"])
	require.NotEmpty(t, body["detail"])
	return w, body
}

func limited(wait time.Duration) error {
	err := schema.Errorf(schema.Limited, "too_many", "Wait.")
	err.RetryAfter = wait
	return err
}

func TestEachErrorHasAStatusACodeAndWhenToRetry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		code   string
		retry  string
	}{
		{schema.Errorf(schema.Invalid, "x", "x"), 400, "x", ""},
		{schema.Errorf(schema.Unauthenticated, "x", "x"), 401, "x", ""},
		{schema.Errorf(schema.Forbidden, "x", "x"), 403, "x", ""},
		{schema.Errorf(schema.NotFound, "x", "x"), 404, "x", ""},
		{schema.Errorf(schema.Conflict, "x", "x"), 409, "x", ""},
		{schema.Errorf(schema.Gone, "x", "x"), 410, "x", ""},
		{limited(time.Second), 429, "too_many", "1"},
		{limited(time.Second + 1), 429, "too_many", "2"},
		{limited(1), 429, "too_many", "1"},
		{limited(0), 429, "too_many", ""},
		{fmt.Errorf("read: %w", schema.Errorf(schema.Unavailable, "away", "x")), 503, "away", ""},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), 503, "unavailable", "8"},
		{echo.ErrNotFound, 404, "not_found", ""},
		{echo.ErrMethodNotAllowed, 405, "method_not_allowed", ""},
		{echo.NewHTTPError(416), 416, "range_not_satisfiable", ""},
		{fmt.Errorf("read: %w", &http.MaxBytesError{}), 413, "too_large", ""},
		{echo.NewHTTPError(418, "secret text"), 500, "internal", ""},
		{errors.New("secret text"), 500, "internal", ""},
		{fmt.Errorf("list: %w", &sqlstate.Error{Op: "secret text", Code: "55P03"}), 503, "unavailable", "8"},
		{&sqlstate.Error{Code: "25006"}, 503, "unavailable", "8"},
		{&sqlstate.Error{Code: "42P01"}, 500, "internal", ""},
	} {
		w, body := answerTo(t, c.err)
		require.Equal(t, c.status, w.Code, "%v", c.err)
		require.Equal(t, c.code, body["code"])
		require.Equal(t, c.retry, w.Header().Get("Retry-After"), "%v", c.err)
		require.NotContains(t, w.Body.String(), "secret")
		require.Equal(t, c.status == 500, body["requestId"] == "the request")
		require.Equal(t, c.status == 401, slices.Equal(w.Header().Values("WWW-Authenticate"), []string{"Bearer", `Basic realm="Satchel", charset="UTF-8"`}))

		status, detail, wait := Describe(c.err)
		require.Equal(t, c.status, status)
		require.Equal(t, body["detail"], detail)
		require.Equal(t, c.retry == "", wait == 0)
	}
}

// busy is an error with extension members.
type busy struct{ err *schema.Error }

func (b busy) Error() string { return b.err.Error() }
func (b busy) Unwrap() error { return b.err }

func (busy) ProblemMembers() any {
	return struct {
		ExportID string  `json:"exportId"`
		At       *string `json:"availableAt"`
	}{"EX1", nil}
}

func TestMembersOfAnErrorStandBehindTheStandardOnes(t *testing.T) {
	t.Parallel()
	w, _ := answerTo(t, fmt.Errorf("request: %w", busy{schema.Errorf(schema.Conflict, schema.CodeBusy, "Busy.")}))
	require.Equal(t, `{"type":"about:blank","title":"Conflict","status":409,"code":"busy","detail":"Busy.","exportId":"EX1","availableAt":null}`, w.Body.String())
}

func TestAnAnswerThatHasBegunIsAborted(t *testing.T) {
	t.Parallel()
	c := echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), httptest.NewRecorder())
	require.NoError(t, c.String(http.StatusOK, "begun"))
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { _ = Problem(c, errors.New("x")) })
}

func TestAClientThatHasLeftIsNotAnswered(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	c := echo.New().NewContext(httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), w)
	require.NoError(t, Problem(c, fmt.Errorf("read: %w", context.Canceled)))
	require.False(t, c.Response().Committed)

	c = echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), w)
	require.NoError(t, Problem(c, context.Canceled))
	require.Equal(t, http.StatusInternalServerError, w.Code, "the client is still there")
}

func TestFailuresAreLoggedInFullAndA503IsAWarning(t *testing.T) { // not parallel: it replaces the default logger
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	away := schema.Errorf(schema.Unavailable, "away", "Away.")
	away.Cause = errors.New("connection refused")
	answerTo(t, away)
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), "connection refused")
	log.Reset()
	answerTo(t, errors.New("secret text"))
	require.Contains(t, log.String(), "level=ERROR")
	require.Contains(t, log.String(), "secret text")
	require.Contains(t, log.String(), `request_id="the request"`)
	log.Reset()
	answerTo(t, echo.ErrNotFound)
	require.Empty(t, log.String(), "the caller's mistakes are not logged")
}

func TestEveryRequestHasThePolicyOfItsRoute(t *testing.T) {
	t.Parallel()
	e := echo.New()
	r := NewRouter(e)
	var policy Policy
	var format Format
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			policy, format = PolicyOf(c), FormatOf(c)
			return next(c)
		}
	})
	done := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	r.Read("/pages/:id", done, Policy{Access: SignedIn, Format: Page})
	r.Add(http.MethodPost, "/pages/:id", done, Policy{Format: Page, FromHostSite: true})
	r.Add(http.MethodPost, "/session", done, Policy{Access: Public, Format: PageOrProgram})
	r.Add(http.MethodGet, "/v1/things/:id", done, Policy{File: true})
	r.Unmatched("/", Policy{Format: Page})
	r.Unmatched("/v1", Policy{})
	r.Unmatched("/v1/Exports", Policy{Format: Twilio, TotalTimeout: time.Second})

	for _, c := range []struct {
		method, path string
		header       []string
		access       Access
		format       Format
		status       int
	}{
		{"GET", "/pages/1", nil, SignedIn, Page, 204},
		{"HEAD", "/pages/1", nil, SignedIn, Page, 204},
		{"POST", "/pages/1", nil, Exporter, Page, 204},
		{"DELETE", "/pages/1", nil, Anyone, Page, 405},
		{"GET", "/pages/1", []string{"Accept", "application/json"}, SignedIn, JSON, 204},
		{"GET", "/pages/1", []string{"Accept", "text/html,application/json"}, SignedIn, Page, 204},
		{"GET", "/pages/1", []string{"Authorization", "Bearer x"}, SignedIn, Page, 204},
		{"POST", "/session", nil, Public, Page, 204},
		{"POST", "/session", []string{"Authorization", "Bearer x"}, Public, JSON, 204},
		{"POST", "/session", []string{"Accept", "application/json"}, Public, JSON, 204},
		{"PUT", "/session", nil, Public, Page, 405},
		{"GET", "/v1/things/1", []string{"Accept", "text/html"}, Exporter, JSON, 204},
		{"GET", "/v1/nothing", []string{"Accept", "text/html"}, Anyone, JSON, 404},
		{"GET", "/v1", nil, Anyone, JSON, 404},
		{"GET", "/v1x", nil, Anyone, Page, 404},
		{"GET", "/v1/Exports/a/b/", nil, Anyone, Twilio, 404},
		{"GET", "/v1/Exports", []string{"Accept", "application/json"}, Anyone, Twilio, 404},
		{"GET", "/v1/ExportsX", nil, Anyone, JSON, 404},
		{"GET", "/nowhere", nil, Anyone, Page, 404},
	} {
		policy, format = Policy{}, -1
		w := serve(t, e, c.method, c.path, c.header...)
		require.Equal(t, c.status, w.Code, "%v", c)
		require.Equal(t, c.access, policy.Access, "%v", c)
		require.Equal(t, c.format, format, "%v", c)
		require.Equal(t, "private, no-store", w.Header().Get("Cache-Control"))
	}
	require.True(t, r.PolicyOfRoute(http.MethodPost, "/pages/:id").FromHostSite)
	require.False(t, r.PolicyOfRoute(http.MethodGet, "/pages/:id").FromHostSite)
	require.Equal(t, Exporter, Policy{}.Access, "a route that states no access is not open")
}

func TestHandlersHaveATimeoutUnlessTheyStream(t *testing.T) {
	t.Parallel()
	e := echo.New()
	r := NewRouter(e)
	e.Use(TotalTimeout)
	var left time.Duration
	h := func(c echo.Context) error {
		left = -1
		if deadline, ok := c.Request().Context().Deadline(); ok {
			left = time.Until(deadline)
		}
		return c.NoContent(http.StatusNoContent)
	}
	for path, c := range map[string]struct {
		policy Policy
		want   time.Duration
	}{
		"/usual":  {Policy{}, RequestTimeout},
		"/own":    {Policy{Timeout: time.Minute}, time.Minute},
		"/total":  {Policy{Timeout: time.Minute, TotalTimeout: time.Second}, time.Second},
		"/stream": {Policy{Streaming: true}, -1},
		"/file":   {Policy{File: true}, -1},
	} {
		r.Add(http.MethodGet, path, h, c.policy)
		serve(t, e, http.MethodGet, path)
		require.InDelta(t, c.want, left, float64(500*time.Millisecond), path)
	}
}

func TestATimeoutCancelsTheHandlerAndNotWhatComesAfterIt(t *testing.T) {
	t.Parallel()
	c := echo.New().NewContext(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), httptest.NewRecorder())
	err := Timeout(time.Millisecond)(func(c echo.Context) error {
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})(c)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, c.Request().Context().Err())
}

func TestStreamsAndFilesAreNotCompressed(t *testing.T) {
	t.Parallel()
	require.True(t, Policy{}.Compressible())
	for _, p := range []Policy{{Streaming: true}, {File: true}, {Precompressed: true}} {
		require.False(t, p.Compressible())
	}
}

func TestTimesAreInUTCToTheMillisecond(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 1, 0, 0, 999_999, time.FixedZone("", 5*3600+45*60))
	require.Equal(t, "2026-03-01T19:15:00.000Z", Timestamp(at))
	require.Equal(t, "2026-03-01T19:15:00.000Z", *TimestampOrNull(&at))
	require.Nil(t, TimestampOrNull(nil))
	require.Nil(t, StringOrNull(""))
	require.Equal(t, "x", *StringOrNull("x"))
}
