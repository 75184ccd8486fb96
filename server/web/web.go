package web

import (
	"context"
	"net/url"
	"strings"
	"time"

	"satchel/schema"
	"satchel/server/api"
	"satchel/server/auth"
)

// Exports reads exports whoever asks, and the clock that decides.
type Exports interface {
	Export(ctx context.Context, id string) (schema.Export, error)
	Now(ctx context.Context) (time.Time, error)
}

// Directory is what the pages show of people and accounts.
type Directory interface {
	Account(ctx context.Context, id string) (schema.Account, error)
	Person(ctx context.Context, account, user string) (schema.Person, error)
}

// Options are what the pages stand on.
type Options struct {
	API       *api.API
	Auth      *auth.Auth
	Exports   Exports
	Directory Directory
	Links     schema.Links
	Site      schema.Site
	Windows   schema.Windows
	SignInURL string // where people sign in; "" where nobody but development does

	// Operators leads those who run Satchel to the run of an account's export;
	// nil where nobody is to see that.
	Operators func(account string) string
}

// Web answers with pages.
type Web struct {
	Options
	base  string // path before ours, "" at most sites
	pages pages
	files files
}

// New makes the pages. It panics where a template does not parse, which no
// setting can cause.
func New(o Options) *Web {
	w := &Web{Options: o, files: readFiles()}
	if site, err := url.Parse(string(o.Site)); err == nil {
		w.base = strings.TrimSuffix(site.EscapedPath(), "/")
	}
	w.pages = parsePages(w.base, w.files)
	return w
}
