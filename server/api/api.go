package api

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/download"
	"satchel/server/limit"
)

// Deps are the dependencies of the API.
type Deps struct {
	Store    *store.AccountExports
	Vault    *vault.Vault
	Temporal client.Client
	Site     schema.Site
	Windows  schema.Windows // of new exports
	Secret   []byte         // makes the IDs of idempotent exports unguessable; at least 32 bytes, the same in every process

	// ArchiveSchema makes the JSON Schema of the archive. It is not called again
	// once it has succeeded.
	ArchiveSchema func(context.Context) ([]byte, error)

	ExportsPerHour int // that one account may request; defaultExportsPerHour where 0

	// OwnerOf returns the parent of an account, or the account itself. Where it is nil,
	// accounts have no parents.
	OwnerOf func(ctx context.Context, account string) (string, error)

	// Downloads are shared with all that sends files; default ones where nil.
	Downloads *download.Downloads

	Now func() time.Time // time.Now where nil
}

// API is the service for account exports, and its HTTP handlers.
type API struct {
	store         *store.AccountExports
	vault         *vault.Vault
	temporal      client.Client
	site          schema.Site
	base          string // path of the site, "" for most
	windows       schema.Windows
	secret        []byte
	now           func() time.Time
	openapi       *document
	archiveSchema *document
	streams       *streams
	watcher       *watcher
	downloads     *download.Downloads
	ownerOf       func(ctx context.Context, account string) (string, error)

	exportsPerHour int
}

// New makes an API. It connects to nothing.
func New(d Deps) *API {
	if d.Now == nil {
		d.Now = time.Now
	}
	a := &API{
		store: d.Store, vault: d.Vault, temporal: d.Temporal,
		site: d.Site, windows: d.Windows, secret: d.Secret, now: d.Now,
		openapi:       newDocument("application/json", func(context.Context) ([]byte, error) { return Contract(d.Site) }),
		archiveSchema: newDocument("application/schema+json", d.ArchiveSchema),
		streams:       newStreams(),
		watcher:       newWatcher(d.Store),
		downloads:     d.Downloads,
		ownerOf:       d.OwnerOf,

		exportsPerHour: cmp.Or(d.ExportsPerHour, defaultExportsPerHour),
	}
	if a.ownerOf == nil {
		a.ownerOf = func(_ context.Context, account string) (string, error) { return account, nil }
	}
	if a.downloads == nil {
		a.downloads = download.New(download.Limits{})
	}
	if site, err := url.Parse(string(d.Site)); err == nil {
		a.base = strings.TrimSuffix(site.EscapedPath(), "/")
	}
	return a
}

// EndStreams ends all event streams, present and future, so that a server can
// shut down: http.Server.RegisterOnShutdown(api.EndStreams).
func (a *API) EndStreams() { a.streams.end() }

// location is the path of an export.
func (a *API) location(export string) string { return a.base + "/v1/account/exports/" + export }

// streams counts the open event streams of each principal.
type streams struct {
	*limit.Running
	end  func()
	done <-chan struct{}
}

func newStreams() *streams {
	ctx, cancel := context.WithCancel(context.Background())
	return &streams{Running: limit.NewRunning(maxStreams), end: cancel, done: ctx.Done()}
}
