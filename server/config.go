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

	"satchel/activities/program"
	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/download"
)

// config is the whole configuration of the server, by flag or environment. The
// address of Temporal is read from Temporal's own variables TEMPORAL_…, S3's
// credentials from AWS's own.
type config struct {
	program.Data  `embed:"" group:"data"`
	DatabaseConns int `name:"database-conns" env:"DATABASE_CONNS" default:"20" placeholder:"N" help:"Maximum number of connections to each database (${default})." group:"data"`

	program.Links  `embed:"" group:"web"`
	program.Brand  `embed:"" group:"web"`
	Host           string   `name:"host" env:"HOST" placeholder:"ADDRESS" help:"Address to listen on. All of them where not set; with --dev, loopback." group:"web"`
	Port           int      `name:"port" env:"PORT" default:"8080" placeholder:"N" help:"Port of pages and API (${default})." group:"web"`
	TrustedProxies []string `name:"trusted-proxies" env:"TRUSTED_PROXIES" placeholder:"CIDR" help:"Addresses or networks of the proxies in front of the server, such as 10.0.0.1 or 10.0.0.0/8, whose X-Forwarded-For is trusted. None where not set." group:"web"`
	RateLimit      float64  `name:"rate-limit" env:"RATE_LIMIT" default:"50" placeholder:"N" help:"Requests a second by one person or API key that are answered (${default}), and from one address without credentials; half as many that change something; forty seconds' at once; four times as many by an account." group:"web"`

	DownloadsPerFile    int `name:"downloads-per-file" env:"DOWNLOADS_PER_FILE" default:"16" placeholder:"N" help:"Downloads of one file at once (${default})." group:"limits"`
	DownloadsPerAccount int `name:"downloads-per-account" env:"DOWNLOADS_PER_ACCOUNT" default:"32" placeholder:"N" help:"Downloads of one account at once (${default})." group:"limits"`
	DownloadMemory      int `name:"download-memory-mib" env:"DOWNLOAD_MEMORY_MIB" default:"256" placeholder:"N" help:"Memory in MiB that all downloads of this process may take together (${default}, enough for more than a hundred at once)." group:"limits"`
	ExportsPerHour      int `name:"exports-per-hour" env:"EXPORTS_PER_HOUR" default:"10" placeholder:"N" help:"Account exports that one account may request in an hour, cancelled ones included (${default})." group:"limits"`
	ResendsPerEvent     int `name:"resends-per-event" env:"RESENDS_PER_EVENT" default:"10" placeholder:"N" help:"How often a webhook event may be sent again in an hour (${default})." group:"limits"`
	ResendsPerAccount   int `name:"resends-per-account" env:"RESENDS_PER_ACCOUNT" default:"1000" placeholder:"N" help:"Webhook events of one account that may be sent again in an hour (${default})." group:"limits"`

	SignInURL   string `name:"sign-in-url" env:"SIGN_IN_URL" placeholder:"URL" help:"Page of the host application where people sign in. Its parameter return says where to send them back to." group:"people"`
	SettingsURL string `name:"settings-url" env:"SETTINGS_URL" placeholder:"URL" help:"Page of the host application where people change their settings. /settings and the pages' \"Settings\" and \"General\" lead there." group:"people"`
	JWKSURL     string `name:"jwks-url" env:"JWKS_URL" placeholder:"URL" help:"Where the host application publishes the keys that sign its JWTs." group:"people"`
	JWTIssuer   string `name:"jwt-issuer" env:"JWT_ISSUER" placeholder:"ISS" help:"\"iss\" of its JWTs." group:"people"`
	JWTAudience string `name:"jwt-audience" env:"JWT_AUDIENCE" placeholder:"AUD" help:"\"aud\" of its JWTs for Satchel." group:"people"`

	Confirm  time.Duration `name:"confirm-window" env:"CONFIRM_WINDOW" default:"24h" placeholder:"TIME" help:"How long a new export waits for its confirmation (${default})." group:"windows"`
	Download time.Duration `name:"download-window" env:"DOWNLOAD_WINDOW" default:"24h" placeholder:"TIME" help:"How long a completed export can be downloaded (${default})." group:"windows"`
	Cooldown time.Duration `name:"cooldown" env:"COOLDOWN" default:"24h" placeholder:"TIME" help:"How long after completion the next export may be requested (${default})." group:"windows"`
	Collect  time.Duration `name:"collect-retry-window" env:"COLLECT_RETRY_WINDOW" default:"12h" placeholder:"TIME" help:"How long a category may keep failing before its export fails (${default})." group:"windows"`

	MinLagDays     int           `name:"min-lag-days" env:"MIN_LAG_DAYS" default:"1" placeholder:"N" help:"How many days ago the newest day is that a bulk job can ask for (${default}, yesterday; 2 for Twilio's rule)." group:"bulk"`
	QuotaDays      int           `name:"quota-days" env:"QUOTA_DAYS" default:"366" placeholder:"N" help:"Days that an account and its subaccounts may ask for in one UTC day (${default})." group:"bulk"`
	LinkTTL        time.Duration `name:"link-ttl" env:"LINK_TTL" default:"1h" placeholder:"TIME" help:"How long the link of a day's file is good (${default})." group:"bulk"`
	program.Bulk   `embed:"" group:"bulk"`
	BulkAnyHost    bool `name:"bulk-any-host" env:"BULK_ANY_HOST" help:"Addresses in answers of the Twilio-shaped API name the scheme and host that a request came to: for clients that reach us as bulkexports.twilio.com. Mails and pages keep to PUBLIC_BASE_URL." group:"bulk"`
	DayFetchStatus int  `name:"day-fetch-status" env:"DAY_FETCH_STATUS" default:"307" placeholder:"STATUS" help:"Status of the answer that holds a file's link: 307 with a Location, or 200 without one for clients that would follow it (${default})." group:"bulk"`

	MetricsAddress string        `name:"metrics-address" env:"METRICS_ADDRESS" default:"127.0.0.1:9090" placeholder:"ADDR" help:"Where /metrics is served (${default})." group:"ops"`
	LogLevel       slog.Level    `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error (${default})." group:"ops"`
	StopGrace      time.Duration `name:"stop-grace" env:"STOP_GRACE" default:"15s" placeholder:"TIME" help:"How long running downloads may go on after SIGTERM (${default})." group:"ops"`
	GCPercent      int           `name:"gogc" env:"GOGC" default:"400" placeholder:"PERCENT" help:"By how many percent the heap, which is small, may grow before garbage is collected (${default})." group:"ops"`
	TemporalUIURL  string        `name:"temporal-ui-url" env:"TEMPORAL_UI_URL" placeholder:"URL" help:"Temporal's own pages, linked from the server's with --dev only, since customers see those." group:"ops"`
	Dev            bool          `name:"dev" env:"DEV" help:"One machine: listen on loopback only, let anyone there sign in as any user, accept keys made for one machine." group:"ops"`
}

// validated is a configuration that can be used, with what follows from it.
type validated struct {
	config
	site    schema.Site
	linkKey []byte
	proxies []netip.Prefix
	host    auth.Host
	anyHost bool // answers about bulk exports name the host of the request: BULK_ANY_HOST, or no PUBLIC_BASE_URL
}

// validate fills in defaults that depend on other settings. Its error has one
// sentence for each setting that is wrong.
func (c config) validate() (validated, error) {
	s := validated{config: c, host: auth.Host{JWKSURL: c.JWKSURL, Issuer: c.JWTIssuer, Audience: c.JWTAudience}}
	s.anyHost = c.BulkAnyHost || c.PublicBaseURL == ""
	if c.Dev {
		s.Host = cmp.Or(c.Host, "127.0.0.1")
		s.PublicBaseURL = cmp.Or(c.PublicBaseURL, "http://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	}
	var linksErr, proxiesErr error
	s.proxies, proxiesErr = parseProxies(c.TrustedProxies)
	s.site, s.linkKey, linksErr = s.Parse(c.Dev)
	problems := []error{
		linksErr, proxiesErr, s.checkDev(), s.checkHost(), s.checkBulk(), s.Bulk.Check(), s.Brand.Check(), program.CheckStopGrace(c.StopGrace),
		checkURL("SIGN_IN_URL", c.SignInURL), checkURL("SETTINGS_URL", c.SettingsURL), checkURL("TEMPORAL_UI_URL", c.TemporalUIURL),
		program.Positive("CONFIRM_WINDOW", c.Confirm), program.Positive("DOWNLOAD_WINDOW", c.Download),
		program.Positive("COOLDOWN", c.Cooldown), program.Positive("COLLECT_RETRY_WINDOW", c.Collect),
		atLeast(1, "DOWNLOADS_PER_FILE", c.DownloadsPerFile), atLeast(1, "DOWNLOADS_PER_ACCOUNT", c.DownloadsPerAccount),
		atLeast(16, "DOWNLOAD_MEMORY_MIB", c.DownloadMemory), atLeast(1, "EXPORTS_PER_HOUR", c.ExportsPerHour),
		atLeast(1, "RESENDS_PER_EVENT", c.ResendsPerEvent), atLeast(1, "RESENDS_PER_ACCOUNT", c.ResendsPerAccount),
	}
	if !(c.RateLimit >= 1 && c.RateLimit <= maxRateLimit) || c.DatabaseConns < 1 { // false for NaN
		problems = append(problems, errors.New("RATE_LIMIT must be between 1 and 1000000, and DATABASE_CONNS at least 1"))
	}
	return s, errors.Join(problems...)
}

// maxRateLimit is as good as no limit.
const maxRateLimit = 1_000_000

// parseProxies parses addresses and networks.
func parseProxies(list []string) (proxies []netip.Prefix, err error) {
	for _, text := range list {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if address, addressErr := netip.ParseAddr(text); addressErr == nil && address.Zone() == "" {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil || network.Addr().Is4In6() {
			return nil, fmt.Errorf("TRUSTED_PROXIES: %q is neither an address, such as 10.0.0.1, nor a network, such as 10.0.0.0/8", text)
		}
		proxies = append(proxies, network)
	}
	return proxies, nil
}

func (s *validated) checkDev() error {
	if s.Dev && !schema.IsLoopback(s.Host) {
		return errors.New("DEV is for one machine: HOST must then be a loopback address such as 127.0.0.1, or not be set")
	}
	return nil
}

func (s *validated) checkHost() error {
	if s.host == (auth.Host{}) {
		return nil
	}
	if s.JWKSURL == "" || s.JWTIssuer == "" || s.JWTAudience == "" {
		return errors.New("JWKS_URL, JWT_ISSUER and JWT_AUDIENCE belong together: set all three, or none")
	}
	if err := checkURL("JWKS_URL", s.JWKSURL); err != nil {
		return err
	}
	if at, _ := url.Parse(s.JWKSURL); at.Scheme != "https" && !schema.IsLoopback(at.Hostname()) {
		return errors.New("JWKS_URL must begin with https://: with other keys, anyone could sign in as any user")
	}
	return nil
}

func (s *validated) checkBulk() error {
	switch {
	case s.MinLagDays < 1:
		return errors.New("MIN_LAG_DAYS must be at least 1: a day can be exported once it is over")
	case s.QuotaDays < 1:
		return errors.New("QUOTA_DAYS must be at least 1")
	case s.LinkTTL < time.Second:
		return errors.New("LINK_TTL must be at least 1s")
	case s.BulkAnyHost && len(s.proxies) == 0 && !s.Dev:
		return errors.New("BULK_ANY_HOST needs TRUSTED_PROXIES: only a trusted proxy can say that a request came by https, and addresses in answers would begin with http://")
	case s.DayFetchStatus != http.StatusTemporaryRedirect && s.DayFetchStatus != http.StatusOK:
		return errors.New("DAY_FETCH_STATUS must be 307 or 200")
	}
	return nil
}

// maxDots is how many dots a host may have so that Twilio's client libraries can
// rebuild a URL with it.
const maxDots = 4

// warning returns a sentence for the operator about settings that are accepted
// but do not work well, or "".
func (s validated) warning() string {
	at, err := url.Parse(string(s.site))
	if err != nil || net.ParseIP(at.Hostname()) != nil || strings.Count(strings.TrimSuffix(at.Hostname(), "."), ".") <= maxDots {
		return ""
	}
	return "the host of PUBLIC_BASE_URL has more than five labels: Twilio's client libraries do not find the next page of a list"
}

func atLeast(least int, name string, n int) error {
	if n < least {
		return fmt.Errorf("%s must be at least %d", name, least)
	}
	return nil
}

func checkURL(name, value string) error {
	if value == "" {
		return nil
	}
	at, err := url.Parse(value)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" {
		return fmt.Errorf("%s must be a URL that begins with https://", name)
	}
	return nil
}

func (s validated) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// bulkSite is the site of URLs in answers about bulk exports, or "" for the host
// of each request.
func (s validated) bulkSite() schema.Site {
	if s.anyHost {
		return ""
	}
	return s.site
}

func (s validated) downloadLimits() download.Limits {
	return download.Limits{PerFile: s.DownloadsPerFile, PerAccount: s.DownloadsPerAccount, Memory: int64(s.DownloadMemory) << 20}
}

// memoryLimit is from how much memory on garbage is collected more often than GOGC
// says: what downloads may take, and as much again as the rest is ever seen to need.
func (s validated) memoryLimit() int64 { return s.downloadLimits().Memory*3/2 + 384<<20 }

func (s validated) bulkLimits() schema.BulkLimits {
	return schema.BulkLimits{QuotaDays: s.QuotaDays, Retention: s.DayRetention, RetryWindow: s.DayRetryWindow}
}

func (s validated) windows() schema.Windows {
	return schema.Windows{Confirm: s.Confirm, Download: s.Download, Cooldown: s.Cooldown, Collect: s.Collect}
}
