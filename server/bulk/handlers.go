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

// The most rows of a page.
const (
	mostJobs = 1000
	mostDays = 400
)

// showType answers GET /v1/Exports/{ResourceType}.
func (b *Bulk) showType(c echo.Context) error {
	v := TypeView{ResourceType: typeOf(c), URL: b.exports(c, c.Param("type"))}
	v.Links.Days, v.Links.ExportCustomJobs, v.Links.Jobs = v.URL+"/Days", v.URL+"/Jobs", b.exports(c, "Jobs")
	return answer(c, http.StatusOK, v)
}

// showConfiguration answers GET /v1/Exports/{ResourceType}/Configuration.
func (b *Bulk) showConfiguration(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	now, err := b.Store.Configuration(c.Request().Context(), p.Account, typeOf(c))
	if err != nil {
		return err
	}
	return b.configured(c, now)
}

// changeConfiguration answers POST /v1/Exports/{ResourceType}/Configuration.
func (b *Bulk) changeConfiguration(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	sent, err := form(c.Request())
	if err != nil {
		return err
	}
	change := schema.BulkChange{URL: given(sent, "WebhookUrl"), Method: given(sent, "WebhookMethod")}
	if change.Enabled, err = truth(sent, "Enabled"); err != nil {
		return err
	}
	now, err := b.Configure(c.Request().Context(), p, typeOf(c), change)
	if err != nil {
		return err
	}
	return b.configured(c, now)
}

func (b *Bulk) configured(c echo.Context, now schema.BulkConfiguration) error {
	return answer(c, http.StatusOK, ConfigurationView{
		URL: b.exports(c, c.Param("type")) + "/Configuration", Enabled: now.Enabled,
		WebhookURL: now.URL, WebhookMethod: now.Method, ResourceType: now.Type,
	})
}

// createJob answers POST /v1/Exports/{ResourceType}/Jobs.
func (b *Bulk) createJob(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	sent, err := form(c.Request())
	if err != nil {
		return err
	}
	job, queue, err := b.CreateJob(c.Request().Context(), p, JobForm{
		StartDay: sent.Get("StartDay"), EndDay: sent.Get("EndDay"), FriendlyName: sent.Get("FriendlyName"),
		WebhookURL: sent.Get("WebhookUrl"), WebhookMethod: sent.Get("WebhookMethod"), Email: sent.Get("Email"),
	}, typeOf(c))
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, jobView(job, queue))
}

// listJobs answers GET /v1/Exports/{ResourceType}/Jobs.
func (b *Bulk) listJobs(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	page, err := b.paging(c, "jobs", "jobs "+p.Account+" "+c.Param("type"), mostJobs)
	if err != nil {
		return err
	}
	before, _ := store.ParseJobCursor(page.place) // we wrote it; "" is the beginning
	list, queues, err := b.Jobs(c.Request().Context(), p, typeOf(c), before, page.size+1)
	if err != nil {
		return err
	}
	next := ""
	if len(list) > page.size {
		list = list[:page.size]
		next = store.CursorTo(list[page.size-1]).String()
	}
	views := make([]JobView, len(list))
	for i, job := range list {
		views[i] = jobView(job, queues[job.ID])
	}
	return answer(c, http.StatusOK, map[string]any{"jobs": views, "meta": page.meta(next)})
}

// showJob answers GET /v1/Exports/Jobs/{JobSid}.
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
	v.URL = b.exports(c, "Jobs/"+job.ID)
	return answer(c, http.StatusOK, v)
}

// deleteJob answers DELETE /v1/Exports/Jobs/{JobSid}.
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

// listDays answers GET /v1/Exports/{ResourceType}/Days.
func (b *Bulk) listDays(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	page, err := b.paging(c, "days", "days "+p.Account+" "+c.Param("type"), mostDays)
	if err != nil {
		return err
	}
	var after int64
	if page.place != "" {
		if after, err = strconv.ParseInt(page.place, 10, 64); err != nil {
			return err
		}
	}
	list, err := b.Store.DayFiles(c.Request().Context(), p.Account, typeOf(c), after, page.size+1)
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
	return answer(c, http.StatusOK, map[string]any{"days": views, "meta": page.meta(next)})
}

// fetchDay answers GET /v1/Exports/{ResourceType}/Days/{Day}. Old client
// libraries read the body, others and curl the Location.
func (b *Bulk) fetchDay(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	day, err := dayOf("Day", c.Param("day"))
	if err != nil {
		return err
	}
	f, err := b.Store.DayFile(c.Request().Context(), p.Account, typeOf(c), day)
	if err != nil {
		return err
	}
	path, err := b.FileURL(c.Request().Context(), p, f)
	if err != nil {
		return err
	}
	address := b.base(c.Request()) + path
	if b.FetchStatus != http.StatusOK {
		c.Response().Header().Set(echo.HeaderLocation, address)
	}
	return answer(c, b.FetchStatus, LinkView{address, address})
}

// eraseCall answers DELETE /v1/Archives/{Date}/Calls/{Sid}.
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

func typeOf(c echo.Context) schema.ResourceType { return schema.ResourceType(c.Param("type")) }

// exports is the address of something under /v1/Exports.
func (b *Bulk) exports(c echo.Context, rest string) string {
	return b.base(c.Request()) + "/v1/Exports/" + rest
}

// form reads the body of a POST. Parameters in the URL are none.
func form(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		if isTooLarge(err) {
			return nil, err
		}
		return nil, schema.Errorf(schema.Invalid, "invalid_body", "The body cannot be read as application/x-www-form-urlencoded.")
	}
	kind := r.Header.Get(echo.HeaderContentType)
	if media, _, _ := mime.ParseMediaType(kind); r.ContentLength != 0 && media != echo.MIMEApplicationForm {
		return nil, schema.Errorf(schema.Invalid, "invalid_body", "The body must be application/x-www-form-urlencoded.")
	}
	return r.PostForm, nil
}

// given is what was sent for a parameter, nil where it was not.
func given(sent url.Values, name string) *string {
	if !sent.Has(name) {
		return nil
	}
	value := sent.Get(name)
	return &value
}

// truth reads a boolean in any letter case: client libraries differ.
func truth(sent url.Values, name string) (*bool, error) {
	value := given(sent, name)
	if value == nil {
		return nil, nil
	}
	is := strings.EqualFold(*value, "true")
	if !is && !strings.EqualFold(*value, "false") {
		return nil, invalid(name, "%s %q is neither true nor false.", name, shortened(*value))
	}
	return &is, nil
}
