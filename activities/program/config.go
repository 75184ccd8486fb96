package program

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"satchel/activities/hook"
	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/catalog"
)

// The settings that worker and server share, to be embedded in the configuration
// of each: one struct for each group of the help. Settings whose default differs
// have the same field names in both programs: LogLevel, MetricsAddress, StopGrace,
// GCPercent and Dev.

// Database is Satchel's own database.
type Database struct {
	DatabaseURL string `name:"database-url" env:"DATABASE_URL" required:"" placeholder:"URL" help:"PostgreSQL URL of Satchel's own database, with sslmode. Secret."`
}

// Data is where the data is.
type Data struct {
	Database `embed:""`

	SourceDatabaseURL string `name:"source-database-url" env:"SOURCE_DATABASE_URL" placeholder:"URL" help:"PostgreSQL URL of the platform's database, best a read-only role or a replica. DATABASE_URL where not set. Secret."`
	CatalogDir        string `name:"catalog-dir" env:"CATALOG_DIR" type:"existingdir" placeholder:"DIR" help:"Folder with your own catalog of queries, the same for worker and server. The built-in one where not set."`

	Vault vault.Config `embed:""`
}

// Links is what mailed links are made of.
type Links struct {
	LinkKey       string `name:"link-key" env:"LINK_KEY" required:"" placeholder:"HEX" help:"64 hexadecimal digits that make mailed links unguessable, the same for worker and server. Secret."`
	PublicBaseURL string `name:"public-base-url" env:"PUBLIC_BASE_URL" placeholder:"URL" help:"Where customers reach the server, such as https://export.example.com; mailed links begin with it. The server with --dev takes http://127.0.0.1:PORT where not set."`
}

// Brand is whom customers deal with.
type Brand struct {
	BrandName      string `name:"brand-name" env:"BRAND_NAME" placeholder:"NAME" help:"Name of your platform, in emails."`
	SupportContact string `name:"support-contact" env:"SUPPORT_CONTACT" placeholder:"ADDRESS" help:"Where customers get help, in emails and on pages: an email address, or a URL that begins with https://."`
}

// Check returns an error where customers could not reach the contact, or the name
// does not fit on a line.
func (b Brand) Check() error {
	if utf8.RuneCountInString(b.BrandName) > 60 || strings.ContainsFunc(b.BrandName, unicode.IsControl) {
		return errors.New("BRAND_NAME must be one line of at most 60 characters")
	}
	if b.SupportContact == "" || schema.CheckEmailAddress(b.SupportContact) == nil {
		return nil
	}
	if at, err := url.Parse(b.SupportContact); err != nil || at.Scheme != "https" || at.Host == "" {
		return errors.New("SUPPORT_CONTACT must be an email address, or a URL that begins with https://")
	}
	return nil
}

// Bulk is what bulk exports share.
type Bulk struct {
	BulkExports    string        `name:"bulk" env:"BULK" enum:"on,off" default:"on" help:"on or off: whether there are bulk exports, the same for worker and server. They are off where your own catalog has no folder days (${default})."`
	DayRetention   time.Duration `name:"day-retention" env:"DAY_RETENTION" default:"168h" placeholder:"TIME" help:"How long a day's file is kept after it was made, and a job after it ended, the same for worker and server (${default})."`
	DayRetryWindow time.Duration `name:"day-retry-window" env:"DAY_RETRY_WINDOW" default:"12h" placeholder:"TIME" help:"How long a day may keep failing before it is given up, the same for worker and server; a day of a daily export at least seven days (${default})."`

	Hook hook.Config `embed:""`
}

// Parse validates the settings. It rejects a key that was made for development
// unless dev is set.
func (l Links) Parse(dev bool) (site schema.Site, key []byte, err error) {
	key, keyErr := schema.ParseLinkKey(l.LinkKey, dev)
	if l.PublicBaseURL == "" {
		return "", nil, errors.Join(errors.New("PUBLIC_BASE_URL is not set: say where customers reach us, such as https://export.example.com"), keyErr)
	}
	site, err = schema.ParseSite(l.PublicBaseURL)
	return site, key, errors.Join(err, keyErr)
}

// HasBulk reports whether there are bulk exports with this catalog.
func (b Bulk) HasBulk(c *catalog.Catalog) bool { return b.BulkExports != "off" && c.HasDays() }

// Check validates the settings.
func (b Bulk) Check() error {
	return errors.Join(Positive("DAY_RETENTION", b.DayRetention), Positive("DAY_RETRY_WINDOW", b.DayRetryWindow))
}

// Positive returns an error unless the duration of a setting is longer than 0.
func Positive(name string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s must be longer than nothing", name)
	}
	return nil
}

// CheckStopGrace validates STOP_GRACE.
func CheckStopGrace(d time.Duration) error {
	if d < 0 {
		return errors.New("STOP_GRACE must not be negative")
	}
	return nil
}
