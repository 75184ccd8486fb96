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
	"satchel/server/limit"
	"satchel/server/respond"
)

const (
	maxStreams       = 8                // of one principal, in one process
	progressInterval = 2 * time.Second  // between estimates while nothing else changes
	pingInterval     = 15 * time.Second // so that proxies do not close an idle connection
	reauthInterval   = 5 * time.Second  // between checks that the client still has access
	maxStreamAge     = time.Hour        // then the client reconnects and authenticates again
)

// lastEvent is the ID of the last event of a stream. A browser that reconnects
// with it is answered 204, which makes it stop.
const lastEvent = "ended"

// streamExport answers GET /v1/account/exports/{id}/events.
func (a *API) streamExport(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	return a.Follow(c, p, c.Param("id"), a.exportEvents)
}

// exportEvents renders an export as the API shows it.
func (a *API) exportEvents(_ context.Context, e schema.Export) ([]Event, error) {
	data, err := json.Marshal(a.View(e))
	if err != nil {
		return nil, err
	}
	event := Event{Name: "export", Key: string(data), Data: string(data)}
	if e.Status.Ended() {
		event.ID = lastEvent
	}
	return []Event{event}, nil
}

// Event is a server-sent event. It is sent unless the last event of this Name
// had the same Key. Data may have several lines; ID may be "".
type Event struct{ Name, ID, Key, Data string }

// Renderer turns the current state of an export into events. It is called when the
// export or what is shown of it has changed, and now and then while it is being made.
// After an error that is Unavailable, the stream goes on and renders again later.
type Renderer func(context.Context, schema.Export) ([]Event, error)

// Follow answers with a stream of events about an export of the principal's
// account: at once, and whenever they change, at most twice a second, until the
// export has ended. Within seconds after the client has lost its access, the
// stream ends; the client reconnects and gets the error.
func (a *API) Follow(c echo.Context, p auth.Principal, id string, render Renderer) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), respond.RequestTimeout)
	defer cancel()
	e, err := a.Get(ctx, p, id)
	if err != nil {
		return err
	}
	if e.Status.Ended() && c.Request().Header.Get("Last-Event-ID") == lastEvent {
		return c.NoContent(http.StatusNoContent)
	}
	release, ok := a.streams.Begin(p.Key())
	if !ok {
		return limit.Refuse(limit.EventStreams, schema.CodeTooManyStreams, pingInterval, "Too many event streams are open. Please close one of them.")
	}
	defer release()
	s := a.newStream(c)
	if err := s.begin(); err != nil {
		return nil //nolint:nilerr // the client has left
	}
	a.follow(c.Request().Context(), e, s, render)
	return nil
}

// follow sends events until the export has ended, the client leaves, the server
// shuts down, or the stream reaches its maximum age.
func (a *API) follow(ctx context.Context, e schema.Export, s *stream, render Renderer) {
	ping, maxAge := time.NewTicker(pingInterval), time.NewTimer(maxStreamAge)
	reauth, progress := time.NewTicker(reauthInterval), time.NewTicker(progressInterval)
	for _, t := range []interface{ Stop() }{ping, reauth, progress} {
		defer t.Stop()
	}
	defer maxAge.Stop()
	watch := a.watcher.watch(e)
	defer watch.release()
	changed := true
	for {
		switch {
		case changed:
			var open bool
			if changed, open = s.update(ctx, e, render); !open {
				return
			}
		case !s.authorize(ctx):
			return
		}
		select {
		case <-watch.changed:
			e, changed = watch.latest(), true
		case <-progress.C:
			changed = changed || e.Status == schema.Confirmed || e.Status == schema.Processing
		case <-reauth.C:
		case <-ping.C:
			if s.write(": still here\n\n") != nil {
				return
			}
		case <-maxAge.C:
			return
		case <-a.streams.done:
			return
		case <-ctx.Done():
			return
		}
	}
}

// stream writes server-sent events, each with a deadline of its own.
type stream struct {
	c          echo.Context
	control    *http.ResponseController
	lastKeys   map[string]string // by name
	now        func() time.Time
	authorized time.Time // when the client's access was last checked
}

func (a *API) newStream(c echo.Context) *stream {
	return &stream{c: c, control: http.NewResponseController(c.Response()), lastKeys: map[string]string{}, now: a.now, authorized: a.now()}
}

func (s *stream) begin() error {
	h := s.c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	return s.write("retry: 2000\n\n")
}

// update sends the events that have changed. It returns retry if they could not be
// rendered now, and open=false when the stream is over.
func (s *stream) update(ctx context.Context, e schema.Export, render Renderer) (retry, open bool) {
	ctx, cancel := context.WithTimeout(ctx, temporalTimeout)
	defer cancel()
	events, err := s.render(ctx, e, render)
	if retry, open = s.survives(err); err != nil {
		return retry, open
	}
	for _, event := range events {
		if s.send(event) != nil {
			return false, false
		}
	}
	return false, !e.Status.Ended()
}

// survives reports whether the stream goes on after an error, and whether to try
// again.
func (s *stream) survives(err error) (retry, open bool) {
	switch kind := schema.KindOf(err); {
	case err == nil:
		return false, true
	case kind == schema.Unauthenticated, kind == schema.Forbidden:
		return false, false
	case kind == schema.Unavailable, errors.Is(err, context.DeadlineExceeded):
		return true, true
	case errors.Is(err, context.Canceled):
		return false, false // the client has left
	}
	respond.LogFailure(s.c, http.StatusInternalServerError, err)
	return false, false
}

// render calls render for a client that still has access.
func (s *stream) render(ctx context.Context, e schema.Export, render Renderer) ([]Event, error) {
	if err := s.reauthorize(ctx); err != nil {
		return nil, err
	}
	return render(ctx, e)
}

// authorize reports whether the client still has access, or that cannot be said now.
func (s *stream) authorize(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, temporalTimeout)
	defer cancel()
	_, open := s.survives(s.reauthorize(ctx))
	return open
}

// reauthorize checks access unless that was done a moment ago.
func (s *stream) reauthorize(ctx context.Context) error {
	now := s.now()
	if now.Sub(s.authorized) < reauthInterval {
		return nil
	}
	if err := auth.Reauthorize(ctx, s.c); err != nil {
		return err
	}
	s.authorized = now
	return nil
}

// lineBreaks are all that end a line in an event stream. Names of people and
// accounts may contain them.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// send writes an event, unless the last one of its name had the same key.
func (s *stream) send(e Event) error {
	if last, sent := s.lastKeys[e.Name]; sent && last == e.Key {
		return nil
	}
	s.lastKeys[e.Name] = e.Key
	var text strings.Builder
	text.WriteString("event: " + e.Name + "\n")
	if e.ID != "" {
		text.WriteString("id: " + e.ID + "\n")
	}
	for line := range strings.SplitSeq(lineBreaks.Replace(e.Data), "\n") {
		text.WriteString("data: " + line + "\n")
	}
	return s.write(text.String() + "\n")
}

func (s *stream) write(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(pingInterval)) // a connection without deadlines needs none
	if _, err := s.c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
