package api

import (
	"cmp"
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

// sending stands between http.ServeContent and the client. It says nothing
// before the first byte of the file was read, and asks before that leaves,
// gives each write a deadline of its own, says how long the file is, and keeps
// back HTTP's own errors, which are ours to word.
type sending struct {
	c       echo.Context
	size    int64
	leaving func(from int64, whole bool) error
	clock   *http.ResponseController

	status  int   // that is to be said
	refused error // by leaving
}

func newSending(c echo.Context, size int64, leaving func(from int64, whole bool) error) *sending {
	return &sending{c: c, size: size, leaving: leaving, clock: http.NewResponseController(c.Response())}
}

func (s *sending) Header() http.Header { return s.c.Response().Header() }

// WriteHeader keeps the status until there is something to send with it.
func (s *sending) WriteHeader(status int) { s.status = status }

func (s *sending) Write(b []byte) (int, error) {
	switch {
	case s.refused != nil:
		return 0, s.refused
	case s.status >= http.StatusBadRequest:
		return len(b), nil // the words of an error, which we say better
	}
	if !s.c.Response().Committed {
		if s.refused = s.leaving(begins(s.Header()), s.status == http.StatusOK); s.refused != nil {
			return 0, s.refused
		}
		s.begin()
	}
	s.renew()
	return s.c.Response().Write(b)
}

// begin says the status.
func (s *sending) begin() {
	if s.status == http.StatusOK {
		s.Header().Set(echo.HeaderContentLength, strconv.FormatInt(s.size, 10))
	}
	s.renew()
	s.c.Response().WriteHeader(s.status)
}

// ReadFrom copies the file in pieces of a size that suits it.
func (s *sending) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{s}, r, make([]byte, sendSize))
}

func (s *sending) renew() {
	_ = s.clock.SetWriteDeadline(time.Now().Add(writePatience)) // where there is none to set, none needs it
}

// end says what is still to be said, where that is all there is: somebody asked
// for the headers only, or has the file already. It answers why the file was
// not sent, or not all of it, if that is so.
func (s *sending) end(unread error) error {
	err := cmp.Or(s.refused, unread)
	switch h := s.Header(); {
	case s.c.Response().Committed:
		return err
	case err != nil:
		forget(h)
		h.Del("Content-Range")
		return err
	case s.status >= http.StatusBadRequest:
		forget(h)
		return echo.NewHTTPError(s.status)
	}
	s.begin()
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
