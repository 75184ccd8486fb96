package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/api"
	"satchel/server/auth"
)

// showLive handles GET /settings/data-export/live: the part of the page that changes, for a
// page whose stream was interrupted.
func (w *Web) showLive(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	html, err := w.renderLive(c, p)
	if err != nil {
		return err
	}
	return c.HTML(http.StatusOK, html)
}

func (w *Web) renderLive(c echo.Context, p auth.Principal) (string, error) {
	return w.renderLivePart(c.Request().Context(), c, p, "live", nil)
}

// renderLivePart renders a part of the page, with the followed export as it is given, if it is.
func (w *Web) renderLivePart(ctx context.Context, c echo.Context, p auth.Principal, part string, followed *schema.Export) (string, error) {
	view, err := w.newDataExportView(ctx, p, followed)
	if err != nil {
		return "", err
	}
	view.Account, view.MailTo, view.Cancelling = auth.AccountOf(c), auth.PersonOf(c).Email, cancelling(c, view.Latest)
	return w.renderFragment("data_export", part, view)
}

// followExport handles GET /settings/data-export/{id}/events: a stream of the parts of the
// page that changed, for htmx to swap in.
func (w *Web) followExport(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	f := &follower{Web: w, c: c, p: p, shown: c.QueryParam("seen")}
	if last := c.Request().Header.Get("Last-Event-ID"); last != "" {
		f.shown = last
	}
	return w.API.Follow(c, p, c.Param("id"), f.events)
}

// follower is an open page that follows an export.
type follower struct {
	*Web
	c     echo.Context
	p     auth.Principal
	shown string // fingerprint of what the page shows
}

// events renders what the page does not show yet: everything that changes, or only the
// progress. The last event is "ended"; nothing follows it.
func (f *follower) events(ctx context.Context, e schema.Export) ([]api.Event, error) {
	now, err := f.Exports.Now(ctx)
	if err != nil {
		return nil, err
	}
	timelines, err := f.Exports.AuditTrails(ctx, e.Account, []string{e.ID})
	if err != nil {
		return nil, err
	}
	mailState, err := f.confirmationMail(ctx, e)
	if err != nil {
		return nil, err
	}
	var list []api.Event
	if current := fingerprint(e, timelines[e.ID], mailState, now); current != f.shown {
		// The page shows e and no later state of it, or the next event, which may be the
		// progress of e, would take the page back.
		html, err := f.renderLivePart(ctx, f.c, f.p, "live-body", &e)
		if err != nil {
			return nil, err
		}
		f.shown = current
		list = append(list, api.Event{Name: "page", ID: current, Key: current, Data: html})
	}
	if len(list) == 0 && (e.Status == schema.Confirmed || e.Status == schema.Processing) {
		p := f.progressWithEstimate(e, now)
		html, err := f.renderFragment("data_export", "progress", p)
		if err != nil {
			return nil, err
		}
		list = append(list, api.Event{Name: "progress", Key: p.key(), Data: html})
	}
	if e.Status.Ended() {
		list = append(list, api.Event{Name: "ended", Key: "ended", Data: "ended"})
	}
	return list, nil
}
