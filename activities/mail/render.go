package mail

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a container may have no time zones

	"satchel/schema"
)

// Kind is a kind of email.
type Kind string

// Emails about an account export.
const (
	Confirmation Kind = schema.ConfirmationEmail // to the requester, with the link to confirm
	Notice       Kind = "notice"                 // to the other owners and admins: an export was requested
	Ready        Kind = "ready"                  // the file can be downloaded
	Failed       Kind = "failed"                 // the export failed
	Lapsed       Kind = "lapsed"                 // the request was not confirmed in time
)

// Emails about a bulk job: it was created, and its last day has ended.
const (
	JobRequested Kind = "job-requested" // to the owners and admins
	JobEnded     Kind = "job-ended"     // to the address given with the job
)

// Kinds lists every kind.
var Kinds = []Kind{Confirmation, Notice, Ready, Failed, Lapsed, JobRequested, JobEnded}

// Requester is who requested the export or job.
type Requester string

// The possible requesters.
const (
	OwnerOrAdmin Requester = ""        // an owner or admin other than the recipient
	Recipient    Requester = "reader"  // the recipient
	APIClient    Requester = "program" // an API client with the account's own credentials
)

// Data holds the values of an email. Names may be empty and are not trusted. The
// comments say which kinds need the other fields; the rest may be zero.
type Data struct {
	AccountName string
	AccountID   string // optional
	ExportID    string // optional
	JobID       string // optional
	RequestedBy Requester
	Requester   string // name of the person who requested it; optional
	Zone        string // IANA time zone of the recipient; UTC if it is empty or unknown
	Brand       Brand

	Link     string // Confirmation: the page to confirm on. Ready: the download
	StopLink string // Notice; optional in Confirmation
	PageLink string // Failed, Lapsed: the Data Export page; optional in Ready and Notice. JobRequested, JobEnded: the Bulk Export page

	UnsubscribeLink string // JobRequested

	RequestedAt time.Time // all kinds
	ConfirmBy   time.Time // Confirmation, Notice, Lapsed
	CompletedAt time.Time // Ready
	ExpiresAt   time.Time // Ready. JobEnded: no file is deleted before this time

	AvailableAgainAt time.Time // Ready: when the next export may be requested; optional

	Size    int64  // Ready: of the JSON document, in bytes
	Records int64  // Ready
	SHA256  string // Ready: of the JSON document, hex

	Category schema.Category // Failed: the category that could not be read; optional
	Reason   string          // Failed: a sentence; "" for the category's default

	Type            schema.ResourceType // JobRequested, JobEnded
	Start, End      schema.Day          // JobRequested, JobEnded
	JobName         string              // JobEnded: optional
	DaysWithRecords int                 // JobEnded: days with records
	DaysEmpty       int                 // JobEnded: days without records
	DaysFailed      int                 // JobEnded: days that failed
	Retention       time.Duration       // JobEnded: how long each file is kept after it was created

	categories []schema.Category // Confirmation: what the archive will hold
}

// Brand is whom the recipient deals with.
type Brand struct {
	Name    string // of the platform; optional
	Support string // where to get help: an address or a URL; optional
}

// Render renders an email. The same data always gives the same bytes. An error names
// the invalid field, without any value.
func Render(kind Kind, data Data) (subject, html, text string, err error) {
	data.categories = schema.Categories
	return render(kind, data)
}

func render(kind Kind, data Data) (subject, html, text string, err error) {
	build, ok := builders[kind]
	if !ok {
		return "", "", "", errors.New("mail: there is no such kind of email")
	}
	if err := data.validate(kind); err != nil {
		return "", "", "", fmt.Errorf("mail: render %s: %w", kind, err)
	}
	data = data.sanitized()
	e := build(data)
	e.Brand = data.Brand
	html, text, err = e.render()
	return e.Subject, html, text, err
}

func (d Data) validate(kind Kind) error {
	isRequired := func(field string) bool { return slices.Contains(requiredFields[kind], field) }
	for _, f := range []struct{ name, link string }{
		{"Link", d.Link}, {"StopLink", d.StopLink}, {"PageLink", d.PageLink}, {"UnsubscribeLink", d.UnsubscribeLink},
	} {
		if f.link == "" && isRequired(f.name) {
			return fmt.Errorf("%s is missing", f.name)
		}
		if f.link != "" && !isLink(f.link) {
			return fmt.Errorf("%s is not a web address", f.name)
		}
	}
	for _, f := range []struct {
		name string
		time time.Time
	}{
		{"RequestedAt", d.RequestedAt}, {"ConfirmBy", d.ConfirmBy}, {"CompletedAt", d.CompletedAt}, {"ExpiresAt", d.ExpiresAt},
	} {
		if f.time.IsZero() && isRequired(f.name) {
			return fmt.Errorf("%s is missing", f.name)
		}
	}
	if isRequired("SHA256") && !sha256Hex.MatchString(d.SHA256) {
		return errors.New("SHA256 is not a SHA-256 in hex")
	}
	_, isDay := schema.ParseDay(string(d.Start))
	if isRequired("Days") && (!schema.IsResourceType(string(d.Type)) || !isDay || d.Start.DaysTo(d.End) == 0) {
		return errors.New("Type, Start and End are not days of a resource type")
	}
	return nil
}

var requiredFields = map[Kind][]string{
	Confirmation: {"Link", "RequestedAt", "ConfirmBy"},
	Notice:       {"StopLink", "RequestedAt", "ConfirmBy"},
	Ready:        {"Link", "RequestedAt", "CompletedAt", "ExpiresAt", "SHA256"},
	Failed:       {"PageLink", "RequestedAt"},
	Lapsed:       {"PageLink", "RequestedAt", "ConfirmBy"},
	JobRequested: {"PageLink", "UnsubscribeLink", "RequestedAt", "Days"},
	JobEnded:     {"PageLink", "RequestedAt", "ExpiresAt", "Days"},
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// isLink accepts absolute HTTP URLs in plain ASCII, so that every mail program shows
// exactly the URL that it opens.
func isLink(s string) bool {
	plain := func(r rune) bool { return r > ' ' && r <= '~' && !strings.ContainsRune("\"<>\\`'", r) }
	if len(s) > 2000 || strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

func (d Data) sanitized() Data {
	for _, name := range []*string{&d.AccountName, &d.Requester} {
		*name = unlinked(sanitize(*name, maxName))
	}
	for _, id := range []*string{&d.AccountID, &d.ExportID, &d.JobID} {
		*id = sanitize(*id, maxName)
	}
	d.JobName = unlinked(sanitize(d.JobName, maxJobName))
	zone, err := time.LoadLocation(d.Zone)
	if err != nil || d.Zone == "Local" {
		zone = time.UTC
	}
	for _, t := range []*time.Time{&d.RequestedAt, &d.ConfirmBy, &d.CompletedAt, &d.ExpiresAt, &d.AvailableAgainAt} {
		if !t.IsZero() {
			*t = t.In(zone)
		}
	}
	d.Category = schema.Category(sanitize(string(d.Category), maxName))
	d.Reason = sanitize(d.Reason, maxReason)
	return d
}
