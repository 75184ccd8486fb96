package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"satchel/activities/hook"
	"satchel/activities/vault"
	"satchel/schema"
	"satchel/server/auth"
)

// config is everything the server can be told, by flag or environment. Where
// Temporal is, it reads from Temporal's own TEMPORAL_… variables, and S3's
// credentials from AWS's own.
type config struct {
	DatabaseURL       string `name:"database-url" env:"DATABASE_URL" required:"" placeholder:"URL" help:"PostgreSQL URL of Satchel's own database, with sslmode. Secret." group:"data"`
	SourceDatabaseURL string `name:"source-database-url" env:"SOURCE_DATABASE_URL" placeholder:"URL" help:"PostgreSQL URL of the platform's database, best a read-only role or a replica. DATABASE_URL where not set. Secret." group:"data"`
	CatalogDir        string `name:"catalog-dir" env:"CATALOG_DIR" type:"existingdir" placeholder:"DIR" help:"Folder with your own catalog of queries, the same as the worker's. The built-in one where not set." group:"data"`
	DatabaseConns     int    `name:"database-conns" env:"DATABASE_CONNS" default:"20" placeholder:"N" help:"Connections to each database at most (${default})." group:"data"`

	Vault vault.Config `embed:"" group:"data"`

	LinkKey       string `name:"link-key" env:"LINK_KEY" required:"" placeholder:"HEX" help:"64 hexadecimal digits that make mailed links unguessable; the worker has the same. Secret." group:"web"`
	PublicBaseURL string `name:"public-base-url" env:"PUBLIC_BASE_URL" placeholder:"URL" help:"Where customers reach us, such as https://export.example.com. With --dev, where not set, http://127.0.0.1:PORT." group:"web"`
	Host          string `name:"host" env:"HOST" placeholder:"ADDRESS" help:"Address to listen on. All of them where not set; with --dev, loopback." group:"web"`
	Port          int    `name:"port" env:"PORT" default:"8080" placeholder:"N" help:"Port of pages and API (${default})." group:"web"`

	TrustedProxies []netip.Prefix `name:"trusted-proxies" env:"TRUSTED_PROXIES" placeholder:"CIDR" help:"Networks of the proxies in front of us, whose X-Forwarded-For is believed. Nobody's where not set." group:"web"`
	RateLimit      float64        `name:"rate-limit" env:"RATE_LIMIT" default:"50" placeholder:"N" help:"Requests a second from one address, and by one user, that are answered (${default}); five times as many at once, and a tenth of them if they change something." group:"web"`

	SignInURL   string `name:"sign-in-url" env:"SIGN_IN_URL" placeholder:"URL" help:"Page of the host application where people sign in. It is told where to return to." group:"people"`
	JWKSURL     string `name:"jwks-url" env:"JWKS_URL" placeholder:"URL" help:"Where the host application publishes the keys that sign its JWTs." group:"people"`
	JWTIssuer   string `name:"jwt-issuer" env:"JWT_ISSUER" placeholder:"ISS" help:"\"iss\" of its JWTs." group:"people"`
	JWTAudience string `name:"jwt-audience" env:"JWT_AUDIENCE" placeholder:"AUD" help:"\"aud\" of its JWTs that are meant for us." group:"people"`

	Confirm  time.Duration `name:"confirm-window" env:"CONFIRM_WINDOW" default:"24h" placeholder:"TIME" help:"How long a new export waits for its confirmation (${default})." group:"windows"`
	Download time.Duration `name:"download-window" env:"DOWNLOAD_WINDOW" default:"24h" placeholder:"TIME" help:"How long a completed export can be downloaded (${default})." group:"windows"`
	Cooldown time.Duration `name:"cooldown" env:"COOLDOWN" default:"24h" placeholder:"TIME" help:"How long after completion the next export may be asked for (${default})." group:"windows"`
	Collect  time.Duration `name:"collect-patience" env:"COLLECT_PATIENCE" default:"12h" placeholder:"TIME" help:"How long a category may keep failing before its export fails (${default})." group:"windows"`

	MinLagDays     int           `name:"min-lag-days" env:"MIN_LAG_DAYS" default:"1" placeholder:"N" help:"How many days ago the newest day is that a bulk job can ask for (${default}, yesterday; 2 for Twilio's rule)." group:"bulk"`
	QuotaDays      int           `name:"quota-days" env:"QUOTA_DAYS" default:"366" placeholder:"N" help:"Days that an account and its subaccounts may ask for in one UTC day (${default})." group:"bulk"`
	LinkTTL        time.Duration `name:"link-ttl" env:"LINK_TTL" default:"1h" placeholder:"TIME" help:"How long the link of a day's file is good (${default})." group:"bulk"`
	DayRetention   time.Duration `name:"day-retention" env:"DAY_RETENTION" default:"168h" placeholder:"TIME" help:"How long a day's file is kept after it was made, and a job after it ended (${default})." group:"bulk"`
	DayPatience    time.Duration `name:"day-patience" env:"DAY_PATIENCE" default:"12h" placeholder:"TIME" help:"How long a day of a job may keep failing before it is given up (${default})." group:"bulk"`
	BulkAnyHost    bool          `name:"bulk-any-host" env:"BULK_ANY_HOST" help:"Addresses in answers of the Twilio-shaped API name the scheme and host that a request came to: for clients that reach us as bulkexports.twilio.com. Mails and pages keep to PUBLIC_BASE_URL." group:"bulk"`
	DayFetchStatus int           `name:"day-fetch-status" env:"DAY_FETCH_STATUS" default:"307" placeholder:"STATUS" help:"Status of the answer that holds a file's link: 307 with a Location, or 200 without one for clients that would follow it (${default})." group:"bulk"`
	Hook           hook.Config   `embed:"" group:"bulk"`

	MetricsAddress string        `name:"metrics-address" env:"METRICS_ADDRESS" default:"127.0.0.1:9090" placeholder:"ADDR" help:"Where /metrics is served (${default})." group:"ops"`
	LogLevel       slog.Level    `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error (${default})." group:"ops"`
	StopGrace      time.Duration `name:"stop-grace" env:"STOP_GRACE" default:"15s" placeholder:"TIME" help:"How long running downloads may go on after SIGTERM (${default})." group:"ops"`
	GCPercent      int           `name:"gogc" env:"GOGC" default:"400" placeholder:"PERCENT" help:"By how many percent the heap, which is small, may grow before garbage is collected (${default})." group:"ops"`
	TemporalUIURL  string        `name:"temporal-ui-url" env:"TEMPORAL_UI_URL" placeholder:"URL" help:"Temporal's own pages, linked from ours with --dev only: elsewhere customers see our pages." group:"ops"`
	Dev            bool          `name:"dev" env:"DEV" help:"One machine: listen on loopback only, let anybody there sign in as anybody, accept keys made for it." group:"ops"`
}

// settled is what the configuration comes to.
type settled struct {
	config
	site    schema.Site
	linkKey []byte
	host    auth.Host
	anyHost bool // answers about bulk exports name what a request came to: wanted so, or nobody said where we are reached
}

// settle fills in what follows from other settings and says, in one sentence
// for each, what cannot be.
func (c config) settle() (settled, error) {
	s := settled{config: c, host: auth.Host{JWKSURL: c.JWKSURL, Issuer: c.JWTIssuer, Audience: c.JWTAudience}}
	s.SourceDatabaseURL, s.anyHost = cmp.Or(c.SourceDatabaseURL, c.DatabaseURL), c.BulkAnyHost || c.PublicBaseURL == ""
	if c.Dev {
		s.Host = cmp.Or(c.Host, "127.0.0.1")
		s.PublicBaseURL = cmp.Or(c.PublicBaseURL, "http://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	}
	problems := []error{
		s.checkSite(), s.checkLinkKey(), s.checkDev(), s.checkHost(), s.checkBulk(),
		isWeb("SIGN_IN_URL", c.SignInURL), isWeb("TEMPORAL_UI_URL", c.TemporalUIURL),
	}
	for name, window := range map[string]time.Duration{
		"CONFIRM_WINDOW": c.Confirm, "DOWNLOAD_WINDOW": c.Download, "COOLDOWN": c.Cooldown, "COLLECT_PATIENCE": c.Collect,
		"DAY_RETENTION": c.DayRetention, "DAY_PATIENCE": c.DayPatience,
	} {
		if window <= 0 {
			problems = append(problems, fmt.Errorf("%s must be longer than nothing", name))
		}
	}
	if !(c.RateLimit >= 1) || c.DatabaseConns < 1 { // NaN is neither
		problems = append(problems, errors.New("RATE_LIMIT and DATABASE_CONNS must be at least 1"))
	}
	return s, errors.Join(problems...)
}

func (s *settled) checkSite() error {
	if s.PublicBaseURL == "" {
		return errors.New("PUBLIC_BASE_URL is not set: say where customers reach us, such as https://export.example.com")
	}
	var err error
	s.site, err = schema.ParseSite(s.PublicBaseURL)
	return err
}

func (s *settled) checkLinkKey() (err error) {
	s.linkKey, err = schema.ParseLinkKey(s.LinkKey, s.Dev)
	return err
}

func (s *settled) checkDev() error {
	if s.Dev && !auth.IsLoopback(s.Host) {
		return errors.New("DEV is for one machine: HOST must then be a loopback address such as 127.0.0.1, or not be set")
	}
	return nil
}

func (s *settled) checkHost() error {
	if s.host == (auth.Host{}) {
		return nil
	}
	if s.JWKSURL == "" || s.JWTIssuer == "" || s.JWTAudience == "" {
		return errors.New("JWKS_URL, JWT_ISSUER and JWT_AUDIENCE belong together: set all three, or none")
	}
	if err := isWeb("JWKS_URL", s.JWKSURL); err != nil {
		return err
	}
	if at, _ := url.Parse(s.JWKSURL); at.Scheme != "https" && !auth.IsLoopback(at.Hostname()) {
		return errors.New("JWKS_URL must begin with https://: whoever can change the keys can be anybody")
	}
	return nil
}

func (s *settled) checkBulk() error {
	switch {
	case s.MinLagDays < 1:
		return errors.New("MIN_LAG_DAYS must be at least 1: a day can be exported once it is over")
	case s.QuotaDays < 1:
		return errors.New("QUOTA_DAYS must be at least 1")
	case s.LinkTTL < time.Second:
		return errors.New("LINK_TTL must be at least 1s")
	case s.BulkAnyHost && len(s.TrustedProxies) == 0 && !s.Dev: // nobody else tells us that clients came by https
		return errors.New("BULK_ANY_HOST needs TRUSTED_PROXIES: only a proxy that is believed can say that a request came by https, and addresses in answers would begin with http://")
	case s.DayFetchStatus != http.StatusTemporaryRedirect && s.DayFetchStatus != http.StatusOK:
		return errors.New("DAY_FETCH_STATUS must be 307 or 200")
	}
	return nil
}

// mostLabels are those of a host that Twilio's client libraries put together
// again as it was.
const mostLabels = 5

// warning is what an operator should know of settings that are taken all the
// same, "" for nothing.
func (s settled) warning() string {
	at, err := url.Parse(string(s.site))
	if err != nil || net.ParseIP(at.Hostname()) != nil || strings.Count(strings.TrimSuffix(at.Hostname(), "."), ".") < mostLabels {
		return ""
	}
	return "the host of PUBLIC_BASE_URL has more than five labels: Twilio's client libraries do not find the next page of a list"
}

func isWeb(name, value string) error {
	if value == "" {
		return nil
	}
	at, err := url.Parse(value)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" {
		return fmt.Errorf("%s must be a URL that begins with https://", name)
	}
	return nil
}

func (s settled) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// bulkSite is what addresses in answers about bulk exports begin with: "" for
// what each request came to.
func (s settled) bulkSite() schema.Site {
	if s.anyHost {
		return ""
	}
	return s.site
}

func (s settled) bulkLimits() schema.BulkLimits {
	return schema.BulkLimits{QuotaDays: s.QuotaDays, Retention: s.DayRetention, Patience: s.DayPatience}
}

func (s settled) windows() schema.Windows {
	return schema.Windows{Confirm: s.Confirm, Download: s.Download, Cooldown: s.Cooldown, Collect: s.Collect}
}
