package download

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/respond"
)

// writeTimeout is how long a client may take to accept one write. A download
// may take hours, as long as it makes progress.
const writeTimeout = time.Minute

// Sizes of one write: small for clients that are slow to accept it, large for
// others, since each write has a cost.
const (
	minWrite = 64 << 10
	maxWrite = 512 << 10
)

// Found is a file that may be sent, not yet opened.
type Found struct {
	Account string
	Owner   string        // the parent of the account, or the account itself
	ID      string        // of the export or day file
	Left    time.Duration // until it expires, by the database's clock

	// Inflated says that the file is decompressed while it is sent, so that a range
	// costs more than its bytes.
	Inflated bool

	// Open opens the file and sets the headers that describe it, a strong ETag among
	// them. With lean, it is to take vault.LeanMemory at most.
	Open func(ctx context.Context, lean bool) (File, error)

	// StillAllowed check from time to time whether the file may still be sent. An error
	// that says that it may not ends the download; one that something is unavailable does
	// not.
	StillAllowed []func(context.Context) error
}

// File is an open file.
type File struct {
	Content  io.ReadSeekCloser
	Object   io.Closer // that Content reads from, closed after it
	Size     int64
	Modified time.Time

	// BeforeSend is called before the first byte is sent. With an error, none is.
	BeforeSend func(offset int64, whole bool) error
}

// Send answers with a file: whole, in a range, or with 304 where the client has
// it. Where the first byte is not sent within respond.RequestTimeout, the answer is
// Unavailable; from then on a download lasts as long as it makes progress, the file
// has not long expired, and its client may still have it.
func (d *Downloads) Send(c echo.Context, find func(context.Context) (Found, error)) error {
	ctx, cancel := context.WithCancelCause(c.Request().Context())
	defer cancel(nil)
	timer := time.AfterFunc(respond.RequestTimeout, func() { cancel(errStartTimeout) })
	defer timer.Stop()
	err := d.send(ctx, c, find, cancel, func() { timer.Stop() })
	if ended, ok := errors.AsType[*endedError](context.Cause(ctx)); ok {
		return ended
	}
	return startTimeout(ctx, c, err)
}

// startTimeout returns the error of a download whose first byte was not sent in time,
// or else err.
func startTimeout(ctx context.Context, c echo.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStartTimeout) && err != nil && !c.Response().Committed {
		unavailable := schema.Errorf(schema.Unavailable, schema.CodeStorageUnavailable, "The file storage is not available right now. Please try again in a moment.")
		unavailable.RetryAfter, unavailable.Cause = respond.RequestTimeout, fmt.Errorf("%w: %w", errStartTimeout, err)
		return unavailable
	}
	return err
}

// errStartTimeout cancels a download whose first byte is not sent in time.
var errStartTimeout = errors.New("the file could not be read in time")

func (d *Downloads) send(ctx context.Context, c echo.Context, find func(context.Context) (Found, error), cancel context.CancelCauseFunc, started func()) error {
	found, err := find(ctx)
	if err != nil {
		return err
	}
	request := withSingleRange(c.Request())
	part := request.Header.Get("Range") != ""
	lean, end, err := d.begin(found, part)
	if err != nil {
		return err
	}
	defer end()
	file, err := found.Open(ctx, lean)
	if err != nil {
		return err
	}
	defer closers{file.Content, file.Object}.Close() //nolint:errcheck // it was only read
	content := &contentReader{ReadSeeker: file.Content}
	content.direct, _ = file.Content.(directReader)
	w := newWriter(c, file.Size, func(offset int64, whole bool) error {
		if whole && part { // the part that was requested is of another version of the file
			if err := d.countWhole(found); err != nil {
				return err
			}
		}
		err := file.BeforeSend(offset, whole)
		if err == nil {
			started()
		}
		return err
	})
	watching := d.watch(ctx, found, func(err error) {
		cancel(err)
		w.cut(err)
	})
	defer watching()
	http.ServeContent(w, request, "", file.Modified, content)
	return w.finish(content.err)
}

// singleRange matches the one form of Range that is answered with a part.
var singleRange = regexp.MustCompile(`^bytes=\s*(\d+\s*-\s*\d*|-\s*\d+)\s*$`)

// withSingleRange drops the Range header unless it is a single range and
// If-Range, if present, is an ETag: all encodings of a file have the same
// Last-Modified, and parts of different encodings must not be combined. Without the
// header the whole file is sent, as HTTP allows.
func withSingleRange(r *http.Request) *http.Request {
	requested, condition := r.Header.Get("Range"), r.Header.Get("If-Range")
	if requested == "" || singleRange.MatchString(requested) && (condition == "" || strings.HasPrefix(condition, `"`)) {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Del("Range")
	return r
}

// contentReader keeps the first error of reading a file, which
// http.ServeContent drops.
type contentReader struct {
	io.ReadSeeker
	direct directReader // the same file, or nil
	err    error
}

// directReader is a file that can be read without copying. Next returns at most
// the given number of bytes, which stay valid until the next call.
type directReader interface {
	Next(limit int) ([]byte, error)
}

func (r *contentReader) Read(p []byte) (int, error) {
	n, err := r.ReadSeeker.Read(p)
	r.keep(err)
	return n, err
}

func (r *contentReader) next(limit int) ([]byte, error) {
	p, err := r.direct.Next(limit)
	r.keep(err)
	return p, err
}

func (r *contentReader) keep(err error) {
	if err != nil && err != io.EOF && r.err == nil {
		r.err = fmt.Errorf("read the file: %w", err)
	}
}

// writer is the http.ResponseWriter that http.ServeContent gets. It delays the
// header until the first byte of the file is read and beforeSend agrees, sets a
// deadline for each write and the length of the file, and drops the bodies of
// HTTP errors, which the caller writes in the format of the route.
type writer struct {
	c          echo.Context
	size       int64
	beforeSend func(offset int64, whole bool) error
	control    *http.ResponseController

	status int   // not yet sent
	err    error // of beforeSend

	mu  sync.Mutex
	end error // why the download was cut
}

// cut makes the write that waits for the client, and every later one, fail.
func (w *writer) cut(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = err
	_ = w.control.SetWriteDeadline(time.Now()) // a connection without deadlines does not wait
}

func newWriter(c echo.Context, size int64, beforeSend func(offset int64, whole bool) error) *writer {
	return &writer{c: c, size: size, beforeSend: beforeSend, control: http.NewResponseController(c.Response())}
}

func (w *writer) Header() http.Header { return w.c.Response().Header() }

// WriteHeader keeps the status until there is a byte to send with it.
func (w *writer) WriteHeader(status int) { w.status = status }

func (w *writer) Write(b []byte) (int, error) {
	switch {
	case w.err != nil:
		return 0, w.err
	case w.status >= http.StatusBadRequest:
		return len(b), nil // an error's text
	}
	if !w.c.Response().Committed {
		if w.err = w.beforeSend(rangeStart(w.Header()), w.status == http.StatusOK); w.err != nil {
			return 0, w.err
		}
		w.sendHeader()
	}
	if err := w.extendDeadline(); err != nil {
		return 0, err
	}
	return w.c.Response().Write(b)
}

func (w *writer) sendHeader() {
	if w.status == http.StatusOK {
		w.Header().Set(echo.HeaderContentLength, strconv.FormatInt(w.size, 10))
	}
	_ = w.extendDeadline() // the write that follows reports it
	w.c.Response().WriteHeader(w.status)
}

// ReadFrom writes the file: without copying where it is a directReader, else
// through a buffer.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if part, ok := r.(*io.LimitedReader); ok { // what http.ServeContent passes
		if content, ok := part.R.(*contentReader); ok && content.direct != nil {
			return w.writeDirect(content, part)
		}
	}
	return io.CopyBuffer(struct{ io.Writer }{w}, r, make([]byte, minWrite))
}

func (w *writer) writeDirect(content *contentReader, part *io.LimitedReader) (written int64, err error) {
	for limit := int64(minWrite); part.N > 0; {
		p, err := content.next(int(min(part.N, limit)))
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		start := time.Now()
		n, err := w.Write(p)
		written, part.N = written+int64(n), part.N-int64(n)
		if err != nil {
			return written, err
		}
		if limit = min(2*limit, maxWrite); time.Since(start) > time.Second {
			limit = minWrite
		}
	}
	return written, nil
}

// extendDeadline gives the next write its time, unless the download was cut.
func (w *writer) extendDeadline() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return w.end
	}
	_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a connection without deadlines needs none
	return nil
}

// finish sends the header where no byte was written, for HEAD and 304, and
// returns the error that kept the file or a part of it from being sent.
func (w *writer) finish(readErr error) error {
	err := cmp.Or(w.err, readErr)
	switch h := w.Header(); {
	case w.c.Response().Committed:
		return err
	case err != nil:
		deleteFileHeaders(h)
		h.Del("Content-Range")
		return err
	case w.status >= http.StatusBadRequest:
		deleteFileHeaders(h)
		if w.status == http.StatusRequestedRangeNotSatisfiable { // http.ServeContent sets it for some ranges alone
			h.Set("Content-Range", "bytes */"+strconv.FormatInt(w.size, 10))
		}
		return echo.NewHTTPError(w.status)
	}
	w.sendHeader()
	return nil
}

// deleteFileHeaders removes what describes the file from an answer that is an
// error.
func deleteFileHeaders(h http.Header) {
	for _, name := range []string{
		echo.HeaderContentType, echo.HeaderContentEncoding, echo.HeaderContentDisposition, echo.HeaderContentLength, echo.HeaderLastModified,
		"Accept-Ranges", "ETag", "X-Accel-Buffering", "X-Content-SHA256", "Repr-Digest",
	} {
		h.Del(name)
	}
}

// rangeStart returns the first offset of a Content-Range: 100 of
// "bytes 100-199/1000", and 0 without one.
func rangeStart(h http.Header) int64 {
	start, _, _ := strings.Cut(strings.TrimPrefix(h.Get("Content-Range"), "bytes "), "-")
	n, err := strconv.ParseInt(start, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
