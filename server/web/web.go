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

// Exports reads exports whoever asks, what was done to them, and the clock
// that decides.
type Exports interface {
	Export(ctx context.Context, id string) (schema.Export, error)
	Trails(ctx context.Context, account string, exports []string) (map[string][]store.Deed, error)
	Letters(ctx context.Context, subject string) (map[string]bool, error)
	Now(ctx context.Context) (time.Time, error)
}

// Directory is what the pages show of people and accounts.
type Directory interface {
	Account(ctx context.Context, id string) (schema.Account, error)
	People(ctx context.Context, account string) ([]schema.Person, error)
}

// Options are what the pages stand on.
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
	Note      func(schema.Category) string // what a category holds, and what is left out of it
	SignInURL string                       // where people sign in; "" where nobody but development does

	// Operators leads those who run Satchel to the run of an account's export;
	// nil where nobody is to see that.
	Operators func(account string) string
}

// Web answers with pages.
type Web struct {
	*Pages
	Options
	contents []content
	reads    reads
}

// New makes the pages. It connects to nothing.
func New(o Options) *Web {
	return &Web{Pages: o.Pages, Options: o, contents: contentsOf(o.Note)}
}
