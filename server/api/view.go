package api

import (
	"satchel/schema"
	"satchel/server/respond"
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

// exportsView is a page of exports. Next is set where there may be more.
type exportsView struct {
	Exports []ExportView `json:"exports"`
	Next    string       `json:"next,omitempty"`
}

// CategoryView is the progress of one category of an export.
type CategoryView struct {
	Name            schema.Category       `json:"name"`
	Status          schema.CategoryStatus `json:"status"`
	Records         int64                 `json:"records"`
	ExpectedRecords *int64                `json:"expectedRecords"`
	Bytes           int64                 `json:"bytes"`
}

// View returns an export as the API shows it. It lists the categories that the
// export was started with, in archive order, and all categories before that.
func (a *API) View(e schema.Export) ExportView {
	v := ExportView{
		ID: e.ID, AccountID: e.Account, Status: e.Status, Reason: respond.StringOrNull(e.Reason),
		RequestedAt: respond.Timestamp(e.RequestedAt), ConfirmedAt: respond.TimestampOrNull(e.ConfirmedAt), CompletedAt: respond.TimestampOrNull(e.CompletedAt),
		ExpiresAt: respond.TimestampOrNull(e.ExpiresAt), AvailableAgainAt: respond.TimestampOrNull(e.AvailableAgainAt),
		Size: e.Size, SHA256: e.SHA256,
		Categories: make([]CategoryView, 0, len(schema.Categories)),
	}
	if a.downloadable(e) {
		v.DownloadURL = respond.StringOrNull(a.site.Archive(e.ID))
	}
	progress := make(map[schema.Category]schema.CategoryProgress, len(e.Categories))
	for _, p := range e.Categories {
		progress[p.Name] = p
	}
	for _, c := range schema.Categories {
		p, ok := progress[c]
		if !ok && len(progress) > 0 {
			continue // it did not exist when the export was started
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

// downloadable is a hint by this server's clock. A download is decided by the
// database's.
func (a *API) downloadable(e schema.Export) bool {
	return e.Status == schema.Completed && e.ExpiresAt != nil && a.now().Before(*e.ExpiresAt)
}
