package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// writePatience is how long a client may take to accept the next few
// kilobytes. A download may take hours, as long as it moves.
const writePatience = time.Minute

// How much is written at once: little to clients that are slow to accept it,
// much to others, since each write costs.
const (
	littleAtOnce = 64 << 10
	muchAtOnce   = 512 << 10
)

// File is a customer's file, open.
type File struct {
	io.ReadSeeker
	io.Closer
	Size     int64
	Modified time.Time
	Leaving  func(from int64, whole bool) error // told before the first byte leaves; its error keeps the file here
}

// SendFile sends a file to whoever asks: whole or in a range, and nothing of it
// where they have it. open opens it and says in the answer's headers what it
// is, a strong ETag among that. From the first byte on it may take as long as it
// moves; where there is none to send in time, the answer is Unavailable.
func SendFile(c echo.Context, open func(context.Context) (File, error)) error {
	reading, stop := context.WithCancelCause(c.Request().Context())
	defer stop(nil)
	late := time.AfterFunc(answering, func() { stop(errNothingToSend) })
	defer late.Stop()
	err := send(reading, c, open, func() { late.Stop() })
	if errors.Is(context.Cause(reading), errNothingToSend) && err != nil && !c.Response().Committed {
		away := schema.Errorf(schema.Unavailable, "storage_unavailable", "Storage is not answering. Please try again soon.")
		away.RetryAfter, away.Cause = answering, fmt.Errorf("%w: %w", errNothingToSend, err)
		return away
	}
	return err
}

// errNothingToSend ends a download that has not begun in time.
var errNothingToSend = errors.New("nothing of the file could be read in time")

func send(ctx context.Context, c echo.Context, open func(context.Context) (File, error), begun func()) error {
	file, err := open(ctx)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // nothing is lost by it
	noted := &noting{ReadSeeker: file}
	noted.inPlace, _ = file.ReadSeeker.(inPlace)
	sending := newSending(c, file.Size, func(from int64, whole bool) error {
		err := file.Leaving(from, whole)
		if err == nil {
			begun()
		}
		return err
	})
	http.ServeContent(sending, oneRange(c.Request()), "", file.Modified, noted)
	return sending.end(noted.failure)
}

// noting remembers the first failure to read a file, since http.ServeContent
// does not.
type noting struct {
	io.ReadSeeker
	inPlace inPlace // the same, where it can be read without copying
	failure error
}

// inPlace answers what comes next, at most so many bytes, which stay good until
// it is used again.
type inPlace interface {
	Next(most int) ([]byte, error)
}

func (n *noting) Read(p []byte) (int, error) {
	read, err := n.ReadSeeker.Read(p)
	n.note(err)
	return read, err
}

// Next is for a file that can be read in place.
func (n *noting) Next(most int) ([]byte, error) {
	some, err := n.inPlace.Next(most)
	n.note(err)
	return some, err
}

func (n *noting) note(err error) {
	if err != nil && err != io.EOF && n.failure == nil {
		n.failure = fmt.Errorf("read the file: %w", err)
	}
}

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

// ReadFrom copies the file in pieces of a size that suits it, or writes it from
// where it is in memory.
func (s *sending) ReadFrom(r io.Reader) (int64, error) {
	if part, ok := r.(*io.LimitedReader); ok { // as http.ServeContent gives it
		if file, ok := part.R.(*noting); ok && file.inPlace != nil {
			return s.writeInPlace(file, part)
		}
	}
	return io.CopyBuffer(struct{ io.Writer }{s}, r, make([]byte, littleAtOnce))
}

func (s *sending) writeInPlace(file *noting, part *io.LimitedReader) (written int64, err error) {
	for atOnce := int64(littleAtOnce); part.N > 0; {
		some, err := file.Next(int(min(part.N, atOnce)))
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		began := time.Now()
		n, err := s.Write(some)
		written, part.N = written+int64(n), part.N-int64(n)
		if err != nil {
			return written, err
		}
		if atOnce = min(2*atOnce, muchAtOnce); time.Since(began) > time.Second {
			atOnce = littleAtOnce
		}
	}
	return written, nil
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
