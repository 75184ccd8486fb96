package api

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// writePatience is how long a client may take to accept the next few
// kilobytes. A download may take hours, as long as it moves.
const writePatience = time.Minute

// sendSize is how much is written at once.
const sendSize = 64 << 10

// sending stands between http.ServeContent and the client. It gives each
// write a deadline of its own, asks before the first byte of the file leaves,
// says how long the file is, and keeps back HTTP's own errors, which are ours
// to word.
type sending struct {
	c       echo.Context
	size    int64
	leaving func(from int64, whole bool) error
	clock   *http.ResponseController

	refused error // by leaving
	kept    int   // the status of an error that was kept back
}

func newSending(c echo.Context, size int64, leaving func(from int64, whole bool) error) *sending {
	return &sending{c: c, size: size, leaving: leaving, clock: http.NewResponseController(c.Response())}
}

func (s *sending) Header() http.Header { return s.c.Response().Header() }

func (s *sending) WriteHeader(status int) {
	h := s.Header()
	switch {
	case status >= http.StatusBadRequest:
		s.kept = status
		return
	case status == http.StatusOK:
		h.Set(echo.HeaderContentLength, strconv.FormatInt(s.size, 10))
	}
	if s.c.Request().Method == http.MethodGet && (status == http.StatusOK || status == http.StatusPartialContent) {
		if s.refused = s.leaving(begins(h), status == http.StatusOK); s.refused != nil {
			return
		}
	}
	s.renew()
	s.c.Response().WriteHeader(status)
}

func (s *sending) Write(b []byte) (int, error) {
	switch {
	case s.refused != nil:
		return 0, s.refused
	case s.kept != 0:
		return len(b), nil // the words of an error, which we say better
	}
	s.renew()
	return s.c.Response().Write(b)
}

// ReadFrom copies the file in pieces of a size that suits it.
func (s *sending) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{s}, r, make([]byte, sendSize))
}

func (s *sending) renew() {
	_ = s.clock.SetWriteDeadline(time.Now().Add(writePatience)) // where there is none to set, none needs it
}

// problem is why the file was not sent, if that is so.
func (s *sending) problem() error {
	h := s.Header()
	switch {
	case s.refused != nil:
		forget(h)
		h.Del("Content-Range")
		return s.refused
	case s.kept != 0:
		forget(h)
		return echo.NewHTTPError(s.kept)
	}
	return nil
}

// forget takes back what was said of the file, for an answer that is not the
// file.
func forget(h http.Header) {
	for _, name := range []string{
		echo.HeaderContentEncoding, echo.HeaderContentDisposition, echo.HeaderContentLength, echo.HeaderLastModified,
		"Accept-Ranges", "ETag", "X-Content-SHA256", "Repr-Digest",
	} {
		h.Del(name)
	}
}

// begins is where a partial answer begins: "bytes 100-199/1000".
func begins(h http.Header) int64 {
	from, _, _ := strings.Cut(strings.TrimPrefix(h.Get("Content-Range"), "bytes "), "-")
	n, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
