package bulk

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"satchel/schema"
)

// JobForm is what somebody typed to ask for a job.
type JobForm struct {
	StartDay, EndDay, FriendlyName   string
	WebhookURL, WebhookMethod, Email string
}

// What a job can be.
const (
	longestName  = 256 // characters
	longestEmail = 254
	longestJob   = 366 // days
)

// request is a form that can be had.
type request struct {
	schema.JobRequest
	start, end schema.Day
}

// check reads a form strictly. The sentence of its error names what is wrong
// as the API calls it, with the value where that is a day or a number.
func (b *Bulk) check(f JobForm, newest schema.Day) (r request, err error) {
	if r.start, err = dayOf("StartDay", f.StartDay); err != nil {
		return r, err
	}
	if r.end, err = dayOf("EndDay", f.EndDay); err != nil {
		return r, err
	}
	switch {
	case r.end < r.start:
		return r, invalid("EndDay", "EndDay %s is before StartDay %s.", r.end, r.start)
	case r.end > newest:
		return r, invalid("EndDay", "EndDay %s is too new: the newest day that can be exported is %s.", r.end, newest)
	case r.start.DaysTo(r.end) > longestJob:
		return r, invalid("EndDay", "StartDay %s to EndDay %s are %d days, and a job can have %d at most.", r.start, r.end, r.start.DaysTo(r.end), longestJob)
	}
	if r.Name, err = nameOf(f.FriendlyName); err != nil {
		return r, err
	}
	if r.Hook, err = b.hookOf(f.WebhookURL, f.WebhookMethod); err != nil {
		return r, err
	}
	r.Email, err = emailOf(f.Email)
	return r, err
}

func invalid(parameter, format string, args ...any) error {
	return schema.Errorf(schema.Invalid, "invalid_"+parameter, format, args...)
}

func dayOf(parameter, s string) (schema.Day, error) {
	if s == "" {
		return "", invalid(parameter, "%s is missing.", parameter)
	}
	day, ok := schema.ParseDay(s)
	if !ok || day < "0001-01-01" { // there is no year 0 in a database
		return "", invalid(parameter, "%s %q is not a day written yyyy-mm-dd.", parameter, shortened(s))
	}
	return day, nil
}

// shortened keeps a sentence readable whatever was sent.
func shortened(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

func nameOf(s string) (string, error) {
	switch {
	case s == "":
		return "", invalid("FriendlyName", "FriendlyName is missing.")
	case !utf8.ValidString(s):
		return "", invalid("FriendlyName", "FriendlyName is not UTF-8.")
	case utf8.RuneCountInString(s) > longestName:
		return "", invalid("FriendlyName", "FriendlyName has %d characters, and can have %d at most.", utf8.RuneCountInString(s), longestName)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", invalid("FriendlyName", "FriendlyName holds a control character.")
	}
	return s, nil
}

// hookOf reads a webhook: both halves, or neither.
func (b *Bulk) hookOf(url, method string) (schema.Hook, error) {
	h := schema.Hook{URL: url}
	var err error
	if h.Method, err = methodOf(method); err != nil {
		return h, err
	}
	switch {
	case url == "" && method == "":
		return h, nil
	case url == "":
		return h, invalid("WebhookUrl", "WebhookMethod is set and WebhookUrl is not: set both, or neither.")
	case method == "":
		return h, invalid("WebhookMethod", "WebhookUrl is set and WebhookMethod is not: set both, or neither.")
	}
	return h, b.checkHook(url)
}

// checkHook says, in words of the API, why a URL cannot be a webhook's.
func (b *Bulk) checkHook(url string) error {
	err := b.CheckHook(url)
	if why, ok := errors.AsType[*schema.Error](err); ok && why.Kind == schema.Invalid {
		return invalid("WebhookUrl", "WebhookUrl cannot be used. %s", why.Message)
	}
	return err
}

func methodOf(s string) (string, error) {
	switch method := strings.ToUpper(s); method {
	case "", "GET", "POST":
		return method, nil
	}
	return "", invalid("WebhookMethod", "WebhookMethod %q is neither GET nor POST.", shortened(s))
}

// emailOf takes one plain address, or none.
func emailOf(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > longestEmail || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", invalid("Email", "Email is not one plain e-mail address.")
	}
	return s, nil
}
