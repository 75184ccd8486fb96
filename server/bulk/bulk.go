package bulk

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"go.temporal.io/sdk/client"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
)

// Directory is what the platform knows of accounts and their calls. What it
// does not know is a schema.Error of kind NotFound.
type Directory interface {
	Account(ctx context.Context, id string) (schema.Account, error)
	Subaccounts(ctx context.Context, account string) ([]schema.Account, error)
	CallDay(ctx context.Context, account, call string) (schema.Day, error)
}

// Options are what bulk exports stand on.
type Options struct {
	Store     *store.BulkExports
	Vault     *vault.Vault
	Temporal  client.Client
	Directory Directory
	Links     schema.Links

	// Site is where customers reach us. Where it is "", answers name the scheme
	// and host that a request came to, as TrustedProxies say.
	Site           schema.Site
	TrustedProxies []netip.Prefix

	CheckHook   func(url string) error // why a URL cannot be a webhook's, as a schema.Error
	Limits      schema.BulkLimits
	MinLagDays  int           // the newest day that can be asked for is so many days ago
	LinkTTL     time.Duration // how long the link of a file is good
	FetchStatus int           // of the answer that holds it: 307, or 200 for clients that would follow it

	// Explain answers with a page that says what an error code means.
	Explain func(c echo.Context, title string, paragraphs []string) error
}

// Bulk answers for the bulk exports of all accounts.
type Bulk struct {
	Options
	opening chan struct{} // a place for each job that is being opened
}

// New makes a Bulk. It asks nobody yet.
func New(o Options) *Bulk {
	o.Limits = o.Limits.Filled()
	if o.MinLagDays < 1 {
		o.MinLagDays = 1
	}
	if o.LinkTTL <= 0 {
		o.LinkTTL = time.Hour
	}
	if o.FetchStatus == 0 {
		o.FetchStatus = http.StatusTemporaryRedirect
	}
	return &Bulk{o, make(chan struct{}, openingAtOnce)}
}

// NewestDay is the last day that can be asked for now, by the database's clock.
func (b *Bulk) NewestDay(ctx context.Context) (schema.Day, error) {
	now, err := b.Store.Now(ctx)
	return b.newestDay(now), err
}

func (b *Bulk) newestDay(now time.Time) schema.Day { return schema.DayOf(now).Plus(-b.MinLagDays) }

// by names who is asking, where deeds are written down: a user, else the
// credential that came.
func by(p auth.Principal) string {
	if p.User != "" {
		return p.User
	}
	return p.Credential
}
