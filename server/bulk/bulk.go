package bulk

import (
	"cmp"
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
	"satchel/server/download"
	"satchel/server/limit"
)

// Directory looks up the platform's accounts, people and calls. An unknown ID is a
// schema.Error of kind NotFound.
type Directory interface {
	auth.Directory
	Subaccounts(ctx context.Context, account string) ([]schema.Account, error)
	CallDay(ctx context.Context, account, call string) (schema.Day, error)
}

// Options configure a Bulk.
type Options struct {
	Store     *store.BulkExports
	Vault     *vault.Vault
	Temporal  client.Client
	Directory Directory
	Links     schema.Links

	// Site is the public base URL. If it is empty, URLs in responses use the scheme and
	// host of the request, or those that one of TrustedProxies reports.
	Site           schema.Site
	TrustedProxies []netip.Prefix

	Off        bool                   // there are no bulk exports: every address answers 404
	CheckHook  func(url string) error // returns a schema.Error if a URL cannot be used for webhooks
	Limits     schema.BulkLimits
	MinLagDays int                 // how many days ago the newest exportable day is
	LinkTTL    time.Duration       // lifetime of a file link
	Downloads  *download.Downloads // shared with all that sends files; default ones where nil
	// LinkRequests limit the requests with links to files by whom the link was made for;
	// default ones where nil.
	LinkRequests *limit.Rates
	FetchStatus  int // status of the response that holds the link: 307, or 200 for clients that follow redirects

	// How often one webhook event, and events of one account, may be sent again in an hour.
	// Defaults where 0.
	ResendsPerEvent, ResendsPerAccount int

	// Explain renders a page that explains an error code.
	Explain func(c echo.Context, title string, paragraphs []string) error
}

// Bulk serves the bulk exports of all accounts.
type Bulk struct {
	Options
	openSlots      chan struct{} // semaphore of maxConcurrentOpens
	opening        *limit.Running
	erasing        *limit.Running
	linkRequests   *limit.Rates
	eventResends   *limit.Rates
	accountResends *limit.Rates
}

// New returns a Bulk with defaults filled in. It opens no connection.
func New(o Options) *Bulk {
	o.Limits = o.Limits.WithDefaults()
	if o.MinLagDays < 1 {
		o.MinLagDays = 1
	}
	if o.LinkTTL <= 0 {
		o.LinkTTL = time.Hour
	}
	if o.FetchStatus == 0 {
		o.FetchStatus = http.StatusTemporaryRedirect
	}
	if o.Downloads == nil {
		o.Downloads = download.New(download.Limits{})
	}
	if o.LinkRequests == nil {
		o.LinkRequests = limit.NewRates(50, 2000, time.Now)
	}
	hourly := func(n int) *limit.Rates { return limit.NewRates(float64(n)/time.Hour.Seconds(), n, time.Now) }
	return &Bulk{
		Options: o, openSlots: make(chan struct{}, maxConcurrentOpens), opening: limit.NewRunning(maxWaitingOpens),
		erasing: limit.NewRunning(maxErasures), linkRequests: o.LinkRequests,
		eventResends:   hourly(cmp.Or(o.ResendsPerEvent, defaultResendsPerEvent)),
		accountResends: hourly(cmp.Or(o.ResendsPerAccount, defaultResendsPerAccount)),
	}
}

// NewestDay returns the newest day that can be exported now, by the database's clock.
func (b *Bulk) NewestDay(ctx context.Context) (schema.Day, error) {
	now, err := b.Store.Now(ctx)
	return b.newestDay(now), err
}

func (b *Bulk) newestDay(now time.Time) schema.Day { return schema.DayOf(now).Plus(-b.MinLagDays) }
