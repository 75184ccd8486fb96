package mail

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"satchel/schema"
)

// Kind names one of the letters.
type Kind string

// An export is asked for, and somebody must confirm it while the others are
// told; then it is ready, or it failed, or nobody confirmed it in time.
const (
	Confirmation Kind = schema.ConfirmationLetter // to the requester: confirm it
	Notice       Kind = "notice"                  // to the other owners and admins: somebody asked
	Ready        Kind = "ready"                   // here is the file
	Failed       Kind = "failed"                  // it could not be finished
	Lapsed       Kind = "lapsed"                  // nobody confirmed it in time
)

// A bulk job was created, and its last day has ended.
const (
	JobRequested Kind = "job-requested" // to the owners and admins
	JobEnded     Kind = "job-ended"     // to the address that its maker gave
)

// Kinds lists every kind.
var Kinds = []Kind{Confirmation, Notice, Ready, Failed, Lapsed, JobRequested, JobEnded}

// Asker is who asked for the export or job, as far as a letter says: letters name no
// person, because mailboxes are read by many.
type Asker string

// An export is asked for by an owner or admin, who may be the one who reads of
// it, or by a program with the account's own credentials.
const (
	Somebody Asker = ""
	Reader   Asker = "reader"
	Program  Asker = "program"
)

// Data is what a letter is about. A name may be empty and is never trusted.
// Which of the other fields a kind needs stands behind them; the rest of them
// may be left at their zero values.
type Data struct {
	AccountName string
	AccountID   string // shown where given
	ExportID    string // shown where given
	JobID       string // shown where given
	Asker       Asker

	Link     string // Confirmation: the page to confirm at. Ready: the download
	StopLink string // Notice; welcome in Confirmation
	PageLink string // Failed, Lapsed: the Data Export page; welcome in the others. JobRequested, JobEnded: the Bulk Export page

	UnsubscribeLink string // JobRequested

	RequestedAt time.Time // all kinds
	ConfirmBy   time.Time // Confirmation, Notice, Lapsed
	CompletedAt time.Time // Ready
	ExpiresAt   time.Time // Ready. JobEnded: until when every file is kept at least

	AvailableAgainAt time.Time // Ready: from when on the next export may be asked for; said where given

	Size    int64  // Ready: of the JSON document, in bytes
	Records int64  // Ready
	SHA256  string // Ready: of the JSON document, hex

	Category schema.Category // Failed: the one that could not be read, or ""
	Reason   string          // Failed: a plain sentence; "" stands for the category's own

	Type       schema.ResourceType // JobRequested, JobEnded
	Start, End schema.Day          // JobRequested, JobEnded
	JobName    string              // JobEnded: as its maker typed it
	Written    int                 // JobEnded: days with records
	Empty      int                 // JobEnded: days without
	Missing    int                 // JobEnded: days that could not be written
	Retention  time.Duration       // JobEnded: how long each file is kept
}

// Render writes the letter of this kind. The same data always gives the same
// bytes. An error names the field that is missing and none of its values.
func Render(kind Kind, data Data) (subject, html, text string, err error) {
	write, ok := letters[kind]
	if !ok {
		return "", "", "", errors.New("mail: there is no such kind of letter")
	}
	if err := data.check(kind); err != nil {
		return "", "", "", fmt.Errorf("mail: render %s: %w", kind, err)
	}
	l := write(data.cleaned())
	html, text, err = l.dress()
	return l.Subject, html, text, err
}

func (d Data) check(kind Kind) error {
	needed := func(field string) bool { return slices.Contains(needs[kind], field) }
	for _, f := range []struct{ name, link string }{
		{"Link", d.Link}, {"StopLink", d.StopLink}, {"PageLink", d.PageLink}, {"UnsubscribeLink", d.UnsubscribeLink},
	} {
		if f.link == "" && needed(f.name) {
			return fmt.Errorf("%s is missing", f.name)
		}
		if f.link != "" && !isLink(f.link) {
			return fmt.Errorf("%s is not a web address", f.name)
		}
	}
	for _, f := range []struct {
		name string
		when time.Time
	}{
		{"RequestedAt", d.RequestedAt}, {"ConfirmBy", d.ConfirmBy}, {"CompletedAt", d.CompletedAt}, {"ExpiresAt", d.ExpiresAt},
	} {
		if f.when.IsZero() && needed(f.name) {
			return fmt.Errorf("%s is missing", f.name)
		}
	}
	if needed("SHA256") && !sha256Hex.MatchString(d.SHA256) {
		return errors.New("SHA256 is not a SHA-256 in hex")
	}
	_, isDay := schema.ParseDay(string(d.Start))
	if needed("Days") && (!schema.IsResourceType(string(d.Type)) || !isDay || d.Start.DaysTo(d.End) == 0) {
		return errors.New("Type, Start and End are not days of a resource type")
	}
	return nil
}

var needs = map[Kind][]string{
	Confirmation: {"Link", "RequestedAt", "ConfirmBy"},
	Notice:       {"StopLink", "RequestedAt", "ConfirmBy"},
	Ready:        {"Link", "RequestedAt", "CompletedAt", "ExpiresAt", "SHA256"},
	Failed:       {"PageLink", "RequestedAt"},
	Lapsed:       {"PageLink", "RequestedAt", "ConfirmBy"},
	JobRequested: {"PageLink", "UnsubscribeLink", "RequestedAt", "Days"},
	JobEnded:     {"PageLink", "RequestedAt", "ExpiresAt", "Days"},
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// isLink accepts an absolute web address in plain ASCII: what is shown is then
// what is followed, in every mail program.
func isLink(s string) bool {
	plain := func(r rune) bool { return r > ' ' && r <= '~' && !strings.ContainsRune("\"<>\\`'", r) }
	if len(s) > 2000 || strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

func (d Data) cleaned() Data {
	for _, name := range []*string{&d.AccountName, &d.AccountID, &d.ExportID, &d.JobID} {
		*name = clean(*name, longestName)
	}
	d.JobName = clean(d.JobName, longestJobName)
	d.Category = schema.Category(clean(string(d.Category), longestName))
	d.Reason = clean(d.Reason, longestReason)
	return d
}
