package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
)

const (
	mostStreams = 8                      // of one principal, in one process
	lookEvery   = 500 * time.Millisecond // while the export is being made
	lookRarely  = 2 * time.Second        // once it is completed
	pingEvery   = 15 * time.Second       // so that nobody between us takes silence for death
	streamLife  = time.Hour              // then the client comes again, and shows again who it is
)

// lastEvent is the ID of the event after which nothing more will happen. A
// browser that connects again with it is told to stop.
const lastEvent = "ended"

// streamExport answers GET /v1/account/exports/{id}/events.
func (a *API) streamExport(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), answering)
	defer cancel()
	e, err := a.Get(ctx, p, c.Param("id"))
	if err != nil {
		return err
	}
	if e.Status.Ended() && c.Request().Header.Get("Last-Event-ID") == lastEvent {
		return c.NoContent(http.StatusNoContent)
	}
	leave, ok := a.streams.enter(p.Key(), mostStreams)
	if !ok {
		return limited("too_many_streams", pingEvery, "You follow too many exports at once. Please close one of the streams.")
	}
	defer leave()
	s := newStream(c)
	if err := s.begin(); err != nil {
		return nil //nolint:nilerr // the client has left
	}
	a.follow(c.Request().Context(), p, e, s)
	return nil
}

// follow sends the export whenever it looks different, until it has ended, the
// client or the server leaves, or it is time to come again.
func (a *API) follow(ctx context.Context, p auth.Principal, e schema.Export, s *stream) {
	ping, life, look := time.NewTicker(pingEvery), time.NewTimer(streamLife), time.NewTimer(lookEvery)
	defer ping.Stop()
	defer life.Stop()
	defer look.Stop()
	for s.send(a.View(e)) == nil && !e.Status.Ended() {
		select {
		case <-look.C:
			var pause time.Duration
			e, pause = a.lookAgain(ctx, p, e)
			look.Reset(pause)
		case <-ping.C:
			if s.write(": still here\n\n") != nil {
				return
			}
		case <-life.C:
			return
		case <-a.streams.done:
			return
		case <-ctx.Done():
			return
		}
	}
}

// lookAgain reads the export anew, and says when to do so next. While a part
// that it reads from is away, the export stays as it was.
func (a *API) lookAgain(ctx context.Context, p auth.Principal, was schema.Export) (schema.Export, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e, err := a.Get(ctx, p, was.ID)
	switch {
	case err != nil:
		return was, lookRarely
	case e.Status == schema.Completed:
		return e, lookRarely
	}
	return e, lookEvery
}

// stream writes server-sent events, each with a deadline of its own.
type stream struct {
	c     echo.Context
	clock *http.ResponseController
	last  string
}

func newStream(c echo.Context) *stream {
	return &stream{c: c, clock: http.NewResponseController(c.Response())}
}

func (s *stream) begin() error {
	h := s.c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	return s.write("retry: 2000\n\n")
}

// send writes an event, unless the last one said the same.
func (s *stream) send(v ExportView) error {
	data, err := json.Marshal(v)
	if err != nil || string(data) == s.last {
		return err
	}
	s.last = string(data)
	id := ""
	if v.Status.Ended() {
		id = "id: " + lastEvent + "\n"
	}
	return s.write(fmt.Sprintf("event: export\n%sdata: %s\n\n", id, data))
}

func (s *stream) write(text string) error {
	_ = s.clock.SetWriteDeadline(time.Now().Add(pingEvery)) // where there is none to set, none needs it
	if _, err := s.c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return s.clock.Flush()
}
