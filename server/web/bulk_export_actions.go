package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/bulk"
	"satchel/server/respond"
)

// createJob handles POST /settings/bulk-export. Form errors are shown beside their fields,
// with all input kept.
func (w *Web) createJob(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	form := bulk.JobForm{
		StartDay: c.FormValue("start"), EndDay: c.FormValue("end"), FriendlyName: c.FormValue("name"),
		WebhookURL: c.FormValue("url"), Email: c.FormValue("email"),
	}
	if form.WebhookURL != "" { // the form always sends a method
		form.WebhookMethod = c.FormValue("method")
	}
	selected := c.FormValue("type")
	if !schema.IsResourceType(selected) {
		err = schema.Errorf(schema.Invalid, schema.CodeInvalidType, "Choose what to export.")
	} else {
		_, _, err = w.Bulk.CreateJob(c.Request().Context(), p, form, schema.ResourceType(selected))
	}
	problems := formProblems(err)
	if problems == nil && err != nil {
		return err
	}
	if err != nil {
		form.WebhookMethod = c.FormValue("method")
		return w.rerenderForm(c, err, func(view *bulkExportView) {
			view.Form = jobForm{form, selected, view.Form.Oldest, view.Form.Newest, problems}
		})
	}
	return w.redirect(c, bulkExport+"?done=asked#jobs")
}

// rerenderForm shows the page again with the rejected form as it was submitted.
func (w *Web) rerenderForm(c echo.Context, why error, change func(*bulkExportView)) error {
	status, _, wait := respond.Describe(why)
	respond.RetryAfter(c.Response().Header(), wait)
	if status >= http.StatusInternalServerError {
		respond.LogFailure(c, status, why)
	}
	return w.renderBulkExport(c, status, change)
}

// configureDaily handles POST /settings/bulk-export/daily/{type}.
func (w *Web) configureDaily(c echo.Context) error {
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
	problems := formProblems(err)
	if problems == nil && err != nil {
		return err
	}
	if err != nil {
		return w.rerenderForm(c, err, func(view *bulkExportView) {
			for i := range view.Daily {
				if d := &view.Daily[i]; d.Type == t {
					d.Submitted.Enabled, d.Submitted.URL, d.Submitted.Method = enabled, url, method
					d.Open, d.Problems = true, problems
				}
			}
		})
	}
	return w.redirect(c, bulkExport+"?done=configured#daily")
}

// deleteJob handles POST /settings/bulk-export/jobs/{id}/delete.
func (w *Web) deleteJob(c echo.Context) error {
	return w.submitBulkAction(c, "jobs", "stopped", func(ctx context.Context, p auth.Principal) error {
		return w.Bulk.DeleteJob(ctx, p, c.Param("id"))
	})
}

// deleteFile handles POST /settings/bulk-export/files/{id}/delete.
func (w *Web) deleteFile(c echo.Context) error {
	return w.submitBulkAction(c, "files", "removed", func(ctx context.Context, p auth.Principal) error {
		return w.Bulk.RemoveFile(ctx, p, c.Param("id"))
	})
}

// resendWebhook handles POST /settings/bulk-export/deliveries/{id}/again.
func (w *Web) resendWebhook(c echo.Context) error {
	return w.submitBulkAction(c, "deliveries", "resent", func(ctx context.Context, p auth.Principal) error {
		_, err := w.Bulk.ResendEvent(ctx, p, c.Param("id"))
		return err
	})
}

// submitBulkAction performs the action of a form and redirects to the page. A missing resource
// or a conflict is shown in the form's section of the page.
func (w *Web) submitBulkAction(c echo.Context, section, done string, do func(context.Context, auth.Principal) error) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), p)
	switch schema.KindOf(err) {
	case schema.Conflict, schema.Limited, schema.NotFound:
		return w.rerenderForm(c, err, func(view *bulkExportView) {
			known, _ := errors.AsType[*schema.Error](err)
			view.Flash = flash{section, known.Message, true}
		})
	}
	if err != nil {
		return err
	}
	return w.redirect(c, bulkExport+"?done="+done+"#"+section)
}

// fetchFile handles GET /settings/bulk-export/files/{id}: it redirects to a new signed link,
// so that links on the page never expire.
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
	return w.redirect(c, link)
}

// downloadJob handles GET and HEAD /settings/bulk-export/jobs/{id}/zip: the files of a job as
// one zip. A person who has just signed in gets the page, with its button.
func (w *Web) downloadJob(c echo.Context) error {
	p, err := auth.Exporter(c)
	if err != nil {
		return err
	}
	if _, back := c.QueryParams()[signedInParam]; back {
		return w.redirect(c, bulkExport+"#jobs")
	}
	return w.Bulk.SendJobZip(c, p, c.Param("id"))
}

// flashFor returns the message for an action that was just done.
func (v bulkLive) flashFor(done string) flash {
	switch {
	case done == "asked" && len(v.Jobs) > 0:
		requested := schema.Plural(int64(len(v.Jobs[0].Days)), "day")
		return flash{"jobs", fmt.Sprintf("Your job requests %s. %s left.", requested, v.Quota.ofLimit(v.Quota.Left)), false}
	case done == "stopped":
		return flash{"jobs", "The job is being deleted. Completed days keep their files.", false}
	case done == "removed":
		return flash{"files", "The file is deleted, and so is its encryption key. They cannot be restored, not even by us.", false}
	case done == "resent":
		return flash{"deliveries", "The webhook is being sent again.", false}
	case done == "configured":
		return flash{"daily", "Saved.", false}
	}
	return flash{}
}
