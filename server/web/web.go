package web

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/api"
	"satchel/server/auth"
	"satchel/server/bulk"
)

// Exports reads exports of any account, their audit trail, and the database's clock.
type Exports interface {
	Export(ctx context.Context, id string) (schema.Export, error)
	// ExportsBefore reads the account's latest exports, newest first, where before is "".
	ExportsBefore(ctx context.Context, account, before string, limit int) ([]schema.Export, error)
	AuditTrails(ctx context.Context, account string, exports []string) (map[string][]store.AuditEntry, error)
	EmailOutcomes(ctx context.Context, subject string) (map[string]bool, error)
	Now(ctx context.Context) (time.Time, error)
}

// Directory looks up people and accounts.
type Directory interface {
	Account(ctx context.Context, id string) (schema.Account, error)
	People(ctx context.Context, account string) ([]schema.Person, error)
}

// Options configure the pages.
type Options struct {
	Pages     *Pages
	API       *api.API
	Auth      *auth.Auth
	Bulk      *bulk.Bulk
	Exports   Exports
	Directory Directory
	Links     schema.Links
	Site      schema.Site
	Windows   schema.Windows
	Note      func(schema.Category) string // what a category includes and leaves out
	SignInURL string                       // sign-in page of the host application, "" if there is none

	SettingsURL string // settings page of the host application, "" if there is none

	// TemporalURL returns the URL of an account's workflow run in the Temporal UI, for
	// operators. It is nil if pages must not show it.
	TemporalURL func(account string) string
}

// Web serves the pages.
type Web struct {
	*Pages
	Options
	categoryNotes []categoryNote
	readComplete  firstSeen
}

// New makes the pages. It connects to nothing.
func New(o Options) *Web {
	return &Web{Pages: o.Pages, Options: o, categoryNotes: parseCategoryNotes(o.Note)}
}
