package download

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/server/respond"
)

// Stream answers with a file that is made while it is sent, and whose size is not
// known before. It has no ranges, and counts and lasts as Send's files do. write is
// called with a writer that sends the header with the first byte; with HEAD it is
// not called. An error once bytes were sent is returned, so that the connection is
// aborted.
func (d *Downloads) Stream(c echo.Context, found Found, write func(ctx context.Context, w io.Writer, lean bool) error) error {
	ctx, cancel := context.WithCancelCause(c.Request().Context())
	defer cancel(nil)
	timer := time.AfterFunc(respond.RequestTimeout, func() { cancel(errStartTimeout) })
	defer timer.Stop()
	if c.Request().Method == http.MethodHead {
		return c.NoContent(http.StatusOK)
	}
	lean, end, err := d.begin(found, false)
	if err != nil {
		deleteFileHeaders(c.Response().Header())
		return err
	}
	defer end()
	w := &streamWriter{newWriter(c, 0, nil), timer}
	defer d.watch(ctx, found, func(err error) {
		cancel(err)
		w.cut(err)
	})()
	err = write(ctx, w, lean)
	if err != nil && !c.Response().Committed {
		deleteFileHeaders(c.Response().Header())
	}
	if ended, ok := errors.AsType[*endedError](context.Cause(ctx)); ok && err != nil {
		return ended
	}
	return startTimeout(ctx, c, err)
}

// streamWriter sends the header with the first byte and gives each write its time.
type streamWriter struct {
	*writer
	start *time.Timer // until the first byte
}

func (w *streamWriter) Write(b []byte) (int, error) {
	if err := w.extendDeadline(); err != nil {
		return 0, err
	}
	if !w.c.Response().Committed {
		w.start.Stop()
		w.c.Response().WriteHeader(http.StatusOK)
	}
	return w.c.Response().Write(b)
}

// ReadFrom copies through a buffer.
func (w *streamWriter) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, r, make([]byte, minWrite))
}
