package hook

import (
	"net/url"
	"strconv"

	"satchel/schema"
)

// Params returns the parameters of an event's webhook, about a job or a day of the
// daily export. The same event always gives the same parameters, except that
// email_status is added once the e-mail to the job's address was rejected.
func Params(e schema.Event) url.Values {
	p := url.Values{}
	p.Set("account_sid", e.Account)
	p.Set("resource_type", string(e.Type))
	p.Set("status", "completed")
	if e.Failed > 0 {
		p.Set("status", "failed")
	}
	if e.Job != "" {
		p.Set("job_sid", e.Job)
		p.Set("friendly_name", e.Name)
		p.Set("start_day", string(e.Start))
		p.Set("end_day", string(e.End))
		if e.Undelivered {
			p.Set("email_status", "undeliverable")
		}
	} else {
		p.Set("day", string(e.Day))
	}
	p.Set("days_completed", strconv.Itoa(e.Completed))
	p.Set("days_empty", strconv.Itoa(e.Empty))
	p.Set("days_failed", strconv.Itoa(e.Failed))
	p.Set("event_id", e.ID)
	p.Set("date_created", e.At.UTC().Format("2006-01-02T15:04:05Z"))
	return p
}
