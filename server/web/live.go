package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/api"
	"satchel/server/auth"
)

// showLive answers GET /settings/data-export/live: the part of the page that
// moves, for a page that was left alone for a while.
func (w *Web) showLive(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	html, err := w.live(c, p)
	if err != nil {
		return err
	}
	return c.HTML(http.StatusOK, html)
}

func (w *Web) live(c echo.Context, p auth.Principal) (string, error) {
	return w.liveWithin(c.Request().Context(), c, p, "live")
}

func (w *Web) liveWithin(ctx context.Context, c echo.Context, p auth.Principal, part string) (string, error) {
	view, err := w.viewOf(ctx, p)
	if err != nil {
		return "", err
	}
	view.Account, view.MailTo, view.Cancelling = auth.AccountOf(c), auth.PersonOf(c).Email, cancelling(c, view.Latest)
	return w.fragment("data_export", part, view)
}

// followExport answers GET /settings/data-export/{id}/events: the parts of the
// page as they change, for htmx to put in their places.
func (w *Web) followExport(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	f := &follower{Web: w, c: c, p: p, seen: c.QueryParam("seen")}
	if last := c.Request().Header.Get("Last-Event-ID"); last != "" {
		f.seen = last
	}
	return w.API.Follow(c, p, c.Param("id"), f.tell)
}

// follower is a page somewhere that shows an export while it changes.
type follower struct {
	*Web
	c    echo.Context
	p    auth.Principal
	seen string // of what the page shows
}

// tell draws anew what the page does not show yet: all of it, or how far the
// export has come. The last event is "ended", and there is nothing to follow
// any more.
func (f *follower) tell(ctx context.Context, e schema.Export) ([]api.Event, error) {
	now, err := f.Exports.Now(ctx)
	if err != nil {
		return nil, err
	}
	trails, err := f.Exports.Trails(ctx, e.Account, []string{e.ID})
	if err != nil {
		return nil, err
	}
	mailed, err := f.mailed(ctx, e)
	if err != nil {
		return nil, err
	}
	var told []api.Event
	if is := seen(e, trails[e.ID], mailed, now); is != f.seen {
		html, err := f.liveWithin(ctx, f.c, f.p, "live-body")
		if err != nil {
			return nil, err
		}
		f.seen = is
		told = append(told, api.Event{Name: "page", ID: is, Key: is, Data: html})
	}
	if len(told) == 0 && (e.Status == schema.Confirmed || e.Status == schema.Processing) {
		p := f.progress(e, now)
		html, err := f.fragment("data_export", "progress", p)
		if err != nil {
			return nil, err
		}
		told = append(told, api.Event{Name: "progress", Key: p.key(), Data: html})
	}
	if e.Status.Ended() {
		told = append(told, api.Event{Name: "ended", Key: "ended", Data: "ended"})
	}
	return told, nil
}
