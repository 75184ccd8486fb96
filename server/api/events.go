package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
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
	return a.Follow(c, p, c.Param("id"), a.tellInJSON)
}

// tellInJSON tells of an export as the API shows it.
func (a *API) tellInJSON(_ context.Context, e schema.Export) ([]Event, error) {
	data, err := json.Marshal(a.View(e))
	if err != nil {
		return nil, err
	}
	told := Event{Name: "export", Key: string(data), Data: string(data)}
	if e.Status.Ended() {
		told.ID = lastEvent
	}
	return []Event{told}, nil
}

// Event is one server-sent event. It is sent when its Key is another than that
// of the last event with this name. Data may have several lines, ID may be "".
type Event struct{ Name, ID, Key, Data string }

// Teller says what there is to tell of an export as it stands, in events. An
// error that is Unauthenticated or Forbidden ends the stream, so that whoever
// follows comes again and hears why; after one that is Unavailable, the
// export is told of when it is looked at next.
type Teller func(context.Context, schema.Export) ([]Event, error)

// Follow answers with a stream of events about an export of the caller's
// account: at once, and whenever there is something new to tell, at most twice
// a second, until it has ended and that was told.
func (a *API) Follow(c echo.Context, p auth.Principal, id string, tell Teller) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), answering)
	defer cancel()
	e, err := a.Get(ctx, p, id)
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
	a.follow(c.Request().Context(), p, e, s, tell)
	return nil
}

// follow sends what there is to tell until the export has ended, the client or
// the server leaves, or it is time to come again.
func (a *API) follow(ctx context.Context, p auth.Principal, e schema.Export, s *stream, tell Teller) {
	ping, life, look := time.NewTicker(pingEvery), time.NewTimer(streamLife), time.NewTimer(lookEvery)
	defer ping.Stop()
	defer life.Stop()
	defer look.Stop()
	for s.tell(ctx, e, tell) {
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
	last  map[string]string // keys by name
}

func newStream(c echo.Context) *stream {
	return &stream{c: c, clock: http.NewResponseController(c.Response()), last: map[string]string{}}
}

func (s *stream) begin() error {
	h := s.c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	return s.write("retry: 2000\n\n")
}

// tell sends what is new, and answers whether to go on.
func (s *stream) tell(ctx context.Context, e schema.Export, tell Teller) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	events, err := tell(ctx, e)
	switch schema.KindOf(err) {
	case schema.Unauthenticated, schema.Forbidden:
		return false
	case schema.Unavailable:
		return true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if err != nil {
		LogTrouble(s.c, http.StatusInternalServerError, err)
		return false
	}
	for _, event := range events {
		if s.send(event) != nil {
			return false
		}
	}
	return !e.Status.Ended()
}

// send writes an event, unless the last one of its name said the same.
func (s *stream) send(e Event) error {
	if last, told := s.last[e.Name]; told && last == e.Key {
		return nil
	}
	s.last[e.Name] = e.Key
	var text strings.Builder
	text.WriteString("event: " + e.Name + "\n")
	if e.ID != "" {
		text.WriteString("id: " + e.ID + "\n")
	}
	data := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(e.Data) // all of them end a line of the stream
	for line := range strings.SplitSeq(data, "\n") {
		text.WriteString("data: " + line + "\n")
	}
	return s.write(text.String() + "\n")
}

func (s *stream) write(text string) error {
	_ = s.clock.SetWriteDeadline(time.Now().Add(pingEvery)) // where there is none to set, none needs it
	if _, err := s.c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return s.clock.Flush()
}
