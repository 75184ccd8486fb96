package bulk

import (
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
)

// Largest page sizes.
const (
	maxJobsPerPage = 1000
	maxDaysPerPage = 400
)

// showType handles GET /v1/Exports/{ResourceType}.
func (b *Bulk) showType(c echo.Context) error {
	v := TypeView{ResourceType: resourceType(c), URL: b.exportsURL(c, c.Param("type"))}
	v.Links.Days, v.Links.ExportCustomJobs, v.Links.Jobs = v.URL+"/Days", v.URL+"/Jobs", b.exportsURL(c, "Jobs")
	return writeJSON(c, http.StatusOK, v)
}

// showConfiguration handles GET /v1/Exports/{ResourceType}/Configuration.
func (b *Bulk) showConfiguration(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	current, err := b.Store.Configuration(c.Request().Context(), p.Account, resourceType(c))
	if err != nil {
		return err
	}
	return b.writeConfiguration(c, current)
}

// changeConfiguration handles POST /v1/Exports/{ResourceType}/Configuration.
func (b *Bulk) changeConfiguration(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	sent, err := parseForm(c.Request())
	if err != nil {
		return err
	}
	change := schema.BulkChange{URL: formValue(sent, "WebhookUrl"), Method: formValue(sent, "WebhookMethod")}
	if change.Enabled, err = parseBool(sent, "Enabled"); err != nil {
		return err
	}
	current, err := b.Configure(c.Request().Context(), p, resourceType(c), change)
	if err != nil {
		return err
	}
	return b.writeConfiguration(c, current)
}

func (b *Bulk) writeConfiguration(c echo.Context, current schema.BulkConfiguration) error {
	return writeJSON(c, http.StatusOK, ConfigurationView{
		URL: b.exportsURL(c, c.Param("type")) + "/Configuration", Enabled: current.Enabled,
		WebhookURL: current.URL, WebhookMethod: current.Method, ResourceType: current.Type,
	})
}

// createJob handles POST /v1/Exports/{ResourceType}/Jobs.
func (b *Bulk) createJob(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	sent, err := parseForm(c.Request())
	if err != nil {
		return err
	}
	job, queue, err := b.CreateJob(c.Request().Context(), p, JobForm{
		StartDay: sent.Get("StartDay"), EndDay: sent.Get("EndDay"), FriendlyName: sent.Get("FriendlyName"),
		WebhookURL: sent.Get("WebhookUrl"), WebhookMethod: sent.Get("WebhookMethod"), Email: sent.Get("Email"),
	}, resourceType(c))
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusCreated, jobView(job, queue))
}

// listJobs handles GET /v1/Exports/{ResourceType}/Jobs.
func (b *Bulk) listJobs(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	page, err := b.parsePaging(c, "jobs", "jobs "+p.Account+" "+c.Param("type"), maxJobsPerPage)
	if err != nil {
		return err
	}
	before, _ := store.ParseJobCursor(page.cursor) // the token is signed; "" starts at the newest job
	list, queues, err := b.Jobs(c.Request().Context(), p, resourceType(c), before, page.size+1)
	if err != nil {
		return err
	}
	next := ""
	if len(list) > page.size {
		list = list[:page.size]
		next = store.CursorAfter(list[page.size-1]).String()
	}
	views := make([]JobView, len(list))
	for i, job := range list {
		views[i] = jobView(job, queues[job.ID])
	}
	return writeJSON(c, http.StatusOK, map[string]any{"jobs": views, "meta": page.meta(next)})
}

// showJob handles GET /v1/Exports/Jobs/{JobSid}.
func (b *Bulk) showJob(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	job, queue, err := b.Job(c.Request().Context(), p, c.Param("id"))
	if err != nil {
		return err
	}
	v := jobView(job, queue)
	v.URL = b.exportsURL(c, "Jobs/"+job.ID)
	return writeJSON(c, http.StatusOK, v)
}

// deleteJob handles DELETE /v1/Exports/Jobs/{JobSid}.
func (b *Bulk) deleteJob(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	if err := b.DeleteJob(c.Request().Context(), p, c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// listDays handles GET /v1/Exports/{ResourceType}/Days.
func (b *Bulk) listDays(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	page, err := b.parsePaging(c, "days", "days "+p.Account+" "+c.Param("type"), maxDaysPerPage)
	if err != nil {
		return err
	}
	var after int64
	if page.cursor != "" {
		if after, err = strconv.ParseInt(page.cursor, 10, 64); err != nil {
			return err
		}
	}
	list, err := b.Store.DayFiles(c.Request().Context(), p.Account, resourceType(c), after, page.size+1)
	if err != nil {
		return err
	}
	next := ""
	if len(list) > page.size {
		list = list[:page.size]
		next = strconv.FormatInt(list[page.size-1].Seq, 10)
	}
	views := make([]DayView, len(list))
	for i, f := range list {
		views[i] = dayView(f)
	}
	return writeJSON(c, http.StatusOK, map[string]any{"days": views, "meta": page.meta(next)})
}

// fetchDay handles GET /v1/Exports/{ResourceType}/Days/{Day}. Older client libraries read the
// link from the body; newer ones and curl follow the Location header.
func (b *Bulk) fetchDay(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	day, err := parseDay("Day", c.Param("day"))
	if err != nil {
		return err
	}
	f, err := b.Store.DayFile(c.Request().Context(), p.Account, resourceType(c), day)
	if err != nil {
		return err
	}
	path, err := b.FileURL(c.Request().Context(), p, f)
	if err != nil {
		return err
	}
	address := b.baseURL(c.Request()) + path
	if b.FetchStatus != http.StatusOK {
		c.Response().Header().Set(echo.HeaderLocation, address)
	}
	return writeJSON(c, b.FetchStatus, LinkView{address, address})
}

// eraseCall handles DELETE /v1/Archives/{Date}/Calls/{Sid}.
func (b *Bulk) eraseCall(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	if err := b.EraseCall(c.Request().Context(), p, c.Param("date"), c.Param("call")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func resourceType(c echo.Context) schema.ResourceType { return schema.ResourceType(c.Param("type")) }

// exportsURL returns the URL of a path under /v1/Exports.
func (b *Bulk) exportsURL(c echo.Context, rest string) string {
	return b.baseURL(c.Request()) + "/v1/Exports/" + rest
}

// parseForm reads the form in the body of a POST. Parameters in the URL are ignored.
func parseForm(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		if isBodyTooLarge(err) {
			return nil, err
		}
		return nil, schema.Errorf(schema.Invalid, schema.CodeInvalidBody, "The request body is not valid application/x-www-form-urlencoded.")
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if r.ContentLength != 0 && media != echo.MIMEApplicationForm {
		return nil, schema.Errorf(schema.Invalid, schema.CodeInvalidBody, "The request body must be application/x-www-form-urlencoded.")
	}
	return r.PostForm, nil
}

// formValue returns the value of a parameter, or nil if it was not sent.
func formValue(sent url.Values, name string) *string {
	if !sent.Has(name) {
		return nil
	}
	value := sent.Get(name)
	return &value
}

// parseBool parses a boolean in any letter case, since client libraries differ. It returns nil
// if the parameter was not sent.
func parseBool(sent url.Values, name string) (*bool, error) {
	value := formValue(sent, name)
	if value == nil {
		return nil, nil
	}
	parsed := strings.EqualFold(*value, "true")
	if !parsed && !strings.EqualFold(*value, "false") {
		return nil, invalid(name, "%s %q is neither true nor false.", name, truncate(*value))
	}
	return &parsed, nil
}
