package mail

import (
	"strings"

	"satchel/schema"
)

const bulkExport = "Bulk Export"

func jobRequested(d Data) email {
	return email{
		Product:   bulkExport,
		Subject:   "A bulk export of " + d.account() + " was requested",
		Preheader: d.requester() + " asked for the " + d.records() + " of " + d.days() + ". If that is expected, there is nothing to do.",
		Heading:   "A bulk export was requested",
		Intro: []string{
			d.requester() + " asked for the " + d.records() + " of " + d.account() + ": " + d.days() + ", one file for each.",
			"If that is expected, there is nothing for you to do.",
		},
		Action: &link{Label: "Open Bulk Export", URL: d.PageLink},
		Facts:  d.facts(d.jobFacts()...),
		Sections: []section{{
			Heading: "You did not expect this?",
			Paragraphs: []string{
				"Delete the job on the Bulk Export page while it runs: what has not been written then never will be.",
				"Then shut out whoever asked: rotate the auth token or the API key that was used, or change the password of whoever signed in. If you do not know which, change them all.",
			},
		}},
		Footer:      d.footer(),
		Unsubscribe: &link{Label: "Get no more mails about bulk exports", URL: d.UnsubscribeLink},
	}
}

func jobEnded(d Data) email {
	written := d.Written + d.Empty
	e := email{
		Product:   bulkExport,
		Subject:   "The bulk export of " + d.account() + " is ready",
		Preheader: "Every file is kept at least until " + formatTime(d.ExpiresAt) + ".",
		Heading:   "Your bulk export is ready",
		Intro:     []string{"The " + d.records() + " of " + d.account() + " are ready: " + d.days() + ", one gzip file of JSON lines for each day. A day without any has an empty file."},
		Action:    &link{Label: "Open Bulk Export", URL: d.PageLink},
		Footer:    "You get this mail because this address was given for the job.",
	}
	outcome := []fact{
		{Label: "Job", Value: d.JobName},
		{Label: "With records", Value: pluralize(int64(d.Written), "day")},
		{Label: "Empty", Value: pluralize(int64(d.Empty), "day")},
		{Label: "Failed", Value: pluralize(int64(d.Missing), "day")},
	}
	if d.JobName == "" {
		outcome = outcome[1:]
	}
	if d.Missing > 0 {
		e.Subject += ", but for " + pluralize(int64(d.Missing), "day")
		e.Heading += " in part"
		e.Intro = []string{
			"The " + d.records() + " of " + d.account() + " are ready in part: " + formatNumber(int64(written)) + " of " + d.days() + ", one gzip file of JSON lines for each day. A day without any has an empty file.",
			"We are sorry: " + pluralize(int64(d.Missing), "day") + " could not be written. The Bulk Export page says which. Please ask again for what is missing.",
		}
	}
	if written == 0 {
		e.Subject = "The bulk export of " + d.account() + " could not be finished"
		e.Preheader = "No file was written. Please ask for it again."
		e.Heading = "Your bulk export could not be finished"
		e.Intro = []string{"We are sorry: no file of the " + d.records() + " of " + d.account() + " could be written. Please ask for them again."}
		e.Facts = d.facts(append(outcome, d.jobFacts()...)...)
		return e
	}
	outcome = append(outcome, fact{Label: "Kept until", Value: "at least " + formatTime(d.ExpiresAt)})
	e.Facts = d.facts(append(outcome, d.jobFacts()...)...)
	e.Sections = []section{{
		Heading: "How to fetch the files",
		Paragraphs: []string{
			"Owners and admins of the account who are signed in find them on the Bulk Export page. A program asks our API for each day, with the account's auth token or an API key:",
			"GET " + dayPath(d.Type, d.Start),
		},
	}, {
		Heading:    "And then?",
		Paragraphs: []string{"Each file is deleted " + formatDuration(d.Retention) + " after it was made, and we cannot restore it. You can ask for the same days again."},
	}}
	return e
}

// dayPath returns the API's path of a day's file.
func dayPath(t schema.ResourceType, d schema.Day) string {
	return "/v1/Exports/" + string(t) + "/Days/" + string(d)
}

// records returns the resource type as it stands within a sentence.
func (d Data) records() string { return strings.ToLower(string(d.Type)) }

// days returns, for example, "1 day, 2026-03-01 (UTC)" or "3 days, from 2026-03-01 to 2026-03-03 (UTC)".
func (d Data) days() string {
	count := pluralize(int64(d.Start.DaysTo(d.End)), "day") + ", "
	if d.Start == d.End {
		return count + string(d.Start) + " (UTC)"
	}
	return count + "from " + string(d.Start) + " to " + string(d.End) + " (UTC)"
}

func (d Data) jobFacts() []fact {
	return []fact{
		{Label: "Records", Value: string(d.Type)},
		{Label: "First day", Value: string(d.Start)},
		{Label: "Last day", Value: string(d.End)},
		{Label: "Days", Value: formatNumber(int64(d.Start.DaysTo(d.End)))},
	}
}
