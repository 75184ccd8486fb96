package bulk

import (
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// maxListed is the page size of our own lists, newest first. If there are more entries, "next"
// holds the value for the "before" parameter of the next page.
const maxListed = 200

// FileView is a day file in our own API. Every key is always present.
type FileView struct {
	ID           string              `json:"id"`
	ResourceType schema.ResourceType `json:"resourceType"`
	Day          schema.Day          `json:"day"`
	JobID        *string             `json:"jobId"`
	Records      int64               `json:"records"`
	Size         int64               `json:"size"`
	SHA256       string              `json:"sha256"`
	CreatedAt    string              `json:"createdAt"`
	ExpiresAt    string              `json:"expiresAt"`
}

// EventView is a webhook in our own API. Every key is always present.
type EventView struct {
	ID            string              `json:"id"`
	ResourceType  schema.ResourceType `json:"resourceType"`
	JobID         *string             `json:"jobId"`
	Day           *string             `json:"day"`
	URL           string              `json:"url"`
	Method        string              `json:"method"`
	DaysCompleted int                 `json:"daysCompleted"`
	DaysEmpty     int                 `json:"daysEmpty"`
	DaysFailed    int                 `json:"daysFailed"`
	CreatedAt     string              `json:"createdAt"`
	Status        schema.EventStatus  `json:"status"`
	Tries         int                 `json:"tries"`
	Log           []TryView           `json:"log"`
}

// TryView is one delivery attempt of a webhook.
type TryView struct {
	At         string `json:"at"`
	HTTPStatus *int   `json:"httpStatus"` // null if there was no response
	Outcome    string `json:"outcome"`
	Ms         int64  `json:"ms"`
}

// listFiles handles GET /v1/bulk/files.
func (b *Bulk) listFiles(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	scope, before := "files "+p.Account, int64(math.MaxInt64)
	if token := c.QueryParam("before"); token != "" {
		cursor, ok := b.Links.OpenPageToken(scope, token)
		if before, err = strconv.ParseInt(cursor, 10, 64); err != nil || !ok {
			return invalidBefore()
		}
	}
	list, err := b.Store.CurrentDayFilesBefore(c.Request().Context(), p.Account, before, maxListed+1)
	if err != nil {
		return err
	}
	v := struct {
		Files []FileView `json:"files"`
		Next  string     `json:"next,omitempty"`
	}{}
	if len(list) > maxListed {
		list = list[:maxListed]
		v.Next = b.Links.PageToken(scope, strconv.FormatInt(list[maxListed-1].Seq, 10))
	}
	v.Files = make([]FileView, len(list))
	for i, f := range list {
		v.Files[i] = FileView{
			ID: f.ID, ResourceType: f.Type, Day: f.Day, JobID: respond.StringOrNull(f.Job), Records: f.Records, Size: f.Size,
			SHA256: f.SHA256, CreatedAt: respond.Timestamp(f.CreatedAt), ExpiresAt: respond.Timestamp(f.ExpiresAt),
		}
	}
	return c.JSON(http.StatusOK, v)
}

// removeFile handles DELETE /v1/bulk/files/{id}.
func (b *Bulk) removeFile(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	if err := b.RemoveFile(c.Request().Context(), p, c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// listEvents handles GET /v1/bulk/events.
func (b *Bulk) listEvents(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	before := c.QueryParam("before")
	if before != "" && !schema.IsEventID(before) {
		return invalidBefore()
	}
	list, err := b.Store.EventsBefore(c.Request().Context(), p.Account, before, maxListed+1)
	if err != nil {
		return err
	}
	v := struct {
		Events []EventView `json:"events"`
		Next   string      `json:"next,omitempty"`
	}{}
	if len(list) > maxListed {
		list = list[:maxListed]
		v.Next = list[maxListed-1].ID
	}
	v.Events = make([]EventView, len(list))
	for i, e := range list {
		v.Events[i] = eventView(e)
	}
	return c.JSON(http.StatusOK, v)
}

func invalidBefore() error {
	return invalid("before", "The value of before was not returned as next by this list.")
}

// resendEvent handles POST /v1/bulk/events/{id}/resend.
func (b *Bulk) resendEvent(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	e, err := b.ResendEvent(c.Request().Context(), p, c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, eventView(e))
}

func eventView(e schema.Event) EventView {
	v := EventView{
		ID: e.ID, ResourceType: e.Type, JobID: respond.StringOrNull(e.Job), Day: respond.StringOrNull(string(e.Day)), URL: e.URL, Method: e.Method,
		DaysCompleted: e.Completed, DaysEmpty: e.Empty, DaysFailed: e.Failed, CreatedAt: respond.Timestamp(e.At),
		Status: e.Status, Tries: e.Tries, Log: make([]TryView, len(e.Log)),
	}
	for i, t := range e.Log {
		v.Log[i] = TryView{At: respond.Timestamp(t.At), Outcome: t.Outcome, Ms: t.Took}
		if t.HTTPStatus != 0 {
			v.Log[i].HTTPStatus = &t.HTTPStatus
		}
	}
	return v
}
