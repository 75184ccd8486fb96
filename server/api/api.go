package api

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/store"
)

// Deps is what the API stands on.
type Deps struct {
	Store    *store.AccountExports
	Vault    *vault.Vault
	Temporal client.Client
	Site     schema.Site
	Windows  schema.Windows // of exports that are asked for from now on
	Secret   []byte         // makes idempotent exports' IDs unguessable; at least 32 bytes, the same in every process

	// ArchiveSchema makes the JSON Schema of the archive. It is called until
	// it succeeds, and then no more.
	ArchiveSchema func(context.Context) ([]byte, error)

	Now func() time.Time // time.Now where nil
}

// API answers for the exports of all accounts.
type API struct {
	store         *store.AccountExports
	vault         *vault.Vault
	temporal      client.Client
	site          schema.Site
	base          string // path before ours, "" at most sites
	windows       schema.Windows
	secret        []byte
	now           func() time.Time
	openapi       *document
	archiveSchema *document
	streams       *streams
}

// New makes an API. It asks nobody yet.
func New(d Deps) *API {
	if d.Now == nil {
		d.Now = time.Now
	}
	a := &API{
		store: d.Store, vault: d.Vault, temporal: d.Temporal,
		site: d.Site, windows: d.Windows, secret: d.Secret, now: d.Now,
		openapi:       newDocument("application/json", func(context.Context) ([]byte, error) { return contractAt(d.Site) }),
		archiveSchema: newDocument("application/schema+json", d.ArchiveSchema),
		streams:       newStreams(),
	}
	if site, err := url.Parse(string(d.Site)); err == nil {
		a.base = strings.TrimSuffix(site.EscapedPath(), "/")
	}
	return a
}

// EndStreams ends all event streams, now and from now on, so that a server
// can shut down: http.Server.RegisterOnShutdown(api.EndStreams).
func (a *API) EndStreams() { a.streams.end() }

// location is where the API answers for an export.
func (a *API) location(export string) string { return a.base + "/v1/account/exports/" + export }

// streams counts event streams, so that nobody holds too many.
type streams struct {
	over func()
	done <-chan struct{}

	mu   sync.Mutex
	held map[string]int
}

func newStreams() *streams {
	ctx, over := context.WithCancel(context.Background())
	return &streams{over: over, done: ctx.Done(), held: map[string]int{}}
}

func (s *streams) end() { s.over() }

// enter counts one more stream of whoever it is, until leave is called, or
// refuses.
func (s *streams) enter(who string, most int) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[who] >= most {
		return nil, false
	}
	s.held[who]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[who]--; s.held[who] == 0 {
			delete(s.held, who)
		}
	}, true
}
