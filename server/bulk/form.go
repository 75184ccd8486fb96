package bulk

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"satchel/schema"
)

// JobForm holds the unvalidated fields of a request for a job.
type JobForm struct {
	StartDay, EndDay, FriendlyName   string
	WebhookURL, WebhookMethod, Email string
}

// Limits of a job's fields.
const (
	maxNameLength = 256 // characters
	maxJobDays    = 366 // days
)

// validJob is a JobForm that has passed validation.
type validJob struct {
	schema.JobRequest
	start, end schema.Day
}

// validate parses a form strictly. Error messages use the API's parameter names, and include
// the value where it is a day or a number.
func (b *Bulk) validate(f JobForm, newest schema.Day) (r validJob, err error) {
	if r.start, err = parseDay("StartDay", f.StartDay); err != nil {
		return r, err
	}
	if r.end, err = parseDay("EndDay", f.EndDay); err != nil {
		return r, err
	}
	switch {
	case r.end < r.start:
		return r, invalid("EndDay", "EndDay %s is before StartDay %s.", r.end, r.start)
	case r.end > newest:
		return r, invalid("EndDay", "EndDay %s is too new: the newest day that can be exported is %s.", r.end, newest)
	case r.start.DaysTo(r.end) > maxJobDays:
		return r, invalid("EndDay", "StartDay %s to EndDay %s is %d days. A job can have at most %d days.", r.start, r.end, r.start.DaysTo(r.end), maxJobDays)
	}
	if r.Name, err = parseName(f.FriendlyName); err != nil {
		return r, err
	}
	if r.Hook, err = b.parseWebhook(f.WebhookURL, f.WebhookMethod); err != nil {
		return r, err
	}
	r.Email, err = parseEmail(f.Email)
	return r, err
}

func invalid(parameter, format string, args ...any) error {
	return schema.Errorf(schema.Invalid, schema.CodeInvalid(parameter), format, args...)
}

func parseDay(parameter, s string) (schema.Day, error) {
	if s == "" {
		return "", invalid(parameter, "%s is missing.", parameter)
	}
	day, ok := schema.ParseDay(s)
	if !ok || day < "0001-01-01" { // Postgres has no year 0
		return "", invalid(parameter, "%s %q is not a date in the form yyyy-mm-dd.", parameter, truncate(s))
	}
	return day, nil
}

// truncate shortens user input that is repeated in an error message.
func truncate(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

func parseName(s string) (string, error) {
	switch {
	case s == "":
		return "", invalid("FriendlyName", "FriendlyName is missing.")
	case !utf8.ValidString(s):
		return "", invalid("FriendlyName", "FriendlyName is not valid UTF-8.")
	case utf8.RuneCountInString(s) > maxNameLength:
		return "", invalid("FriendlyName", "FriendlyName has %d characters. It can have at most %d.", utf8.RuneCountInString(s), maxNameLength)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", invalid("FriendlyName", "FriendlyName contains a control character.")
	}
	return s, nil
}

// parseWebhook parses a webhook, which needs both its URL and its method, or neither.
func (b *Bulk) parseWebhook(url, method string) (schema.Hook, error) {
	h := schema.Hook{URL: url}
	var err error
	if h.Method, err = parseMethod(method); err != nil {
		return h, err
	}
	switch {
	case url == "" && method == "":
		return h, nil
	case url == "":
		return h, invalid("WebhookUrl", "WebhookMethod is set, but WebhookUrl is not. Set both or neither.")
	case method == "":
		return h, invalid("WebhookMethod", "WebhookUrl is set, but WebhookMethod is not. Set both or neither.")
	}
	return h, b.checkWebhook(url)
}

// checkWebhook reports why a URL cannot be used for webhooks, in the API's terms.
func (b *Bulk) checkWebhook(url string) error {
	err := b.CheckHook(url)
	if why, ok := errors.AsType[*schema.Error](err); ok && why.Kind == schema.Invalid {
		return invalid("WebhookUrl", "WebhookUrl cannot be used. %s", why.Message)
	}
	return err
}

func parseMethod(s string) (string, error) {
	switch method := strings.ToUpper(s); method {
	case "", "GET", "POST":
		return method, nil
	}
	return "", invalid("WebhookMethod", "WebhookMethod %q is neither GET nor POST.", truncate(s))
}

// parseEmail parses one plain address, or none.
func parseEmail(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if err := schema.CheckEmailAddress(s); err != nil {
		return "", invalid("Email", "Email %s.", err)
	}
	return s, nil
}
