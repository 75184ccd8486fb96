package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/api"
	"satchel/server/auth"
	"satchel/server/bulk"
)

// askForJob answers POST /settings/bulk-export: a job is asked for. What is
// wrong with the form is said beside its fields, and nothing typed is lost.
func (w *Web) askForJob(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	form := bulk.JobForm{
		StartDay: c.FormValue("start"), EndDay: c.FormValue("end"), FriendlyName: c.FormValue("name"),
		WebhookURL: c.FormValue("url"), Email: c.FormValue("email"),
	}
	if form.WebhookURL != "" { // the page always has a method
		form.WebhookMethod = c.FormValue("method")
	}
	asked := c.FormValue("type")
	if !schema.IsResourceType(asked) {
		err = schema.Errorf(schema.Invalid, "invalid_type", "Choose what to export.")
	} else {
		_, _, err = w.Bulk.CreateJob(c.Request().Context(), p, form, schema.ResourceType(asked))
	}
	problems := problemsOf(err)
	if problems == nil && err != nil {
		return err
	}
	if err != nil {
		form.WebhookMethod = c.FormValue("method")
		return w.again(c, err, func(view *bulkExportView) {
			view.Form = jobForm{form, asked, view.Form.Oldest, view.Form.Newest, problems}
		})
	}
	return w.goTo(c, bulkExport+"?done=asked#jobs")
}

// again shows the page to somebody whose form cannot be had, as they sent it.
func (w *Web) again(c echo.Context, why error, change func(*bulkExportView)) error {
	status, _, wait := api.Words(why)
	api.RetryAfter(c.Response().Header(), wait)
	if status >= http.StatusInternalServerError {
		logTrouble(c, status, why)
	}
	return w.bulkPage(c, status, change)
}

// configure answers POST /settings/bulk-export/daily/{type}.
func (w *Web) configure(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	t := schema.ResourceType(c.Param("type"))
	if !schema.IsResourceType(string(t)) {
		return echo.ErrNotFound
	}
	enabled, url, method := c.FormValue("enabled") != "", c.FormValue("url"), c.FormValue("method")
	if url == "" {
		method = ""
	}
	_, err = w.Bulk.Configure(c.Request().Context(), p, t, schema.BulkChange{Enabled: &enabled, URL: &url, Method: &method})
	problems := problemsOf(err)
	if problems == nil && err != nil {
		return err
	}
	if err != nil {
		return w.again(c, err, func(view *bulkExportView) {
			for i := range view.Daily {
				if d := &view.Daily[i]; d.Type == t {
					d.Typed.Enabled, d.Typed.URL, d.Typed.Method = enabled, url, method
					d.Open, d.Problems = true, problems
				}
			}
		})
	}
	return w.goTo(c, bulkExport+"?done=configured#daily")
}

// deleteJob answers POST /settings/bulk-export/jobs/{id}/delete.
func (w *Web) deleteJob(c echo.Context) error {
	return w.bulkOrder(c, "jobs", "stopped", func(ctx context.Context, p auth.Principal) error {
		return w.Bulk.DeleteJob(ctx, p, c.Param("id"))
	})
}

// deleteFile answers POST /settings/bulk-export/files/{id}/delete.
func (w *Web) deleteFile(c echo.Context) error {
	return w.bulkOrder(c, "files", "removed", func(ctx context.Context, p auth.Principal) error {
		return w.Bulk.RemoveFile(ctx, p, c.Param("id"))
	})
}

// sendAgain answers POST /settings/bulk-export/deliveries/{id}/again.
func (w *Web) sendAgain(c echo.Context) error {
	return w.bulkOrder(c, "deliveries", "resent", func(ctx context.Context, p auth.Principal) error {
		_, err := w.Bulk.ResendEvent(ctx, p, c.Param("id"))
		return err
	})
}

// bulkOrder does what a form on the page asks for and shows the page again.
// What is no longer there or cannot be now is said on it, beside how things
// stand.
func (w *Web) bulkOrder(c echo.Context, where, done string, do func(context.Context, auth.Principal) error) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), p)
	switch schema.KindOf(err) {
	case schema.Conflict, schema.Limited, schema.NotFound:
		return w.again(c, err, func(view *bulkExportView) {
			known, _ := errors.AsType[*schema.Error](err)
			view.Said = saying{where, known.Message, true}
		})
	}
	if err != nil {
		return err
	}
	return w.goTo(c, bulkExport+"?done="+done+"#"+where)
}

// fetchFile answers GET /settings/bulk-export/files/{id}: a link of its own for
// whoever may have one, so that the page's never grows old.
func (w *Web) fetchFile(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	f, err := w.Bulk.File(c.Request().Context(), p, c.Param("id"))
	if err != nil {
		return err
	}
	link, err := w.Bulk.FileURL(c.Request().Context(), p, f)
	if err != nil {
		return err
	}
	return w.goTo(c, link)
}

// said is the sentence for what was just done.
func (v bulkLive) said(done string) saying {
	switch {
	case done == "asked" && len(v.Jobs) > 0:
		days := int64(len(v.Jobs[0].Days))
		return saying{"jobs", fmt.Sprintf("Your job asks for %s. %s of today’s %s can still be asked for.",
			plural(days, "day"), count(int64(v.Quota.Left)), plural(int64(v.Quota.Limit), "day")), false}
	case done == "stopped":
		return saying{"jobs", "The job is being deleted. Days that are done keep their files.", false}
	case done == "removed":
		return saying{"files", "The file is deleted, and its key with it. Nobody can bring it back, not even us.", false}
	case done == "resent":
		return saying{"deliveries", "The webhook is on its way again.", false}
	case done == "configured":
		return saying{"daily", "Saved.", false}
	}
	return saying{}
}
