package api

import (
	"time"

	"satchel/schema"
)

// ExportView is an export as the API shows it. Every key is always there.
type ExportView struct {
	ID               string         `json:"id"`
	AccountID        string         `json:"accountId"`
	Status           schema.Status  `json:"status"`
	Reason           *string        `json:"reason"`
	RequestedAt      string         `json:"requestedAt"`
	ConfirmedAt      *string        `json:"confirmedAt"`
	CompletedAt      *string        `json:"completedAt"`
	ExpiresAt        *string        `json:"expiresAt"`
	AvailableAgainAt *string        `json:"availableAgainAt"`
	Size             *int64         `json:"size"`
	SHA256           *string        `json:"sha256"`
	DownloadURL      *string        `json:"downloadUrl"`
	Categories       []CategoryView `json:"categories"`
}

// exportsView is a list of exports. Next is there where there may be more.
type exportsView struct {
	Exports []ExportView `json:"exports"`
	Next    string       `json:"next,omitempty"`
}

// CategoryView is how far one category of an export has come.
type CategoryView struct {
	Name            schema.Category       `json:"name"`
	Status          schema.CategoryStatus `json:"status"`
	Records         int64                 `json:"records"`
	ExpectedRecords *int64                `json:"expectedRecords"`
	Bytes           int64                 `json:"bytes"`
}

// View shows an export. The categories that it began with are in it, in archive
// order, and all of them while nothing is known.
func (a *API) View(e schema.Export) ExportView {
	v := ExportView{
		ID: e.ID, AccountID: e.Account, Status: e.Status, Reason: orNull(e.Reason),
		RequestedAt: *instant(&e.RequestedAt), ConfirmedAt: instant(e.ConfirmedAt), CompletedAt: instant(e.CompletedAt),
		ExpiresAt: instant(e.ExpiresAt), AvailableAgainAt: instant(e.AvailableAgainAt),
		Size: e.Size, SHA256: e.SHA256,
		Categories: make([]CategoryView, 0, len(schema.Categories)),
	}
	if a.downloadable(e) {
		v.DownloadURL = orNull(a.site.Archive(e.ID))
	}
	known := make(map[schema.Category]schema.CategoryProgress, len(e.Categories))
	for _, p := range e.Categories {
		known[p.Name] = p
	}
	for _, c := range schema.Categories {
		p, ok := known[c]
		if !ok && len(known) > 0 {
			continue // there was none of this name yet
		}
		if !ok {
			p.Status = schema.CategoryWaiting
		}
		v.Categories = append(v.Categories, CategoryView{
			Name: c, Status: p.Status, Records: p.Records, ExpectedRecords: p.Expected, Bytes: p.Bytes,
		})
	}
	return v
}

// downloadable is a hint by our clock; the database's decides when somebody
// comes for the file.
func (a *API) downloadable(e schema.Export) bool {
	return e.Status == schema.Completed && e.ExpiresAt != nil && a.now().Before(*e.ExpiresAt)
}

// instant writes a time as all of the API does: RFC 3339 in UTC, to the
// millisecond.
func instant(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return &s
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
