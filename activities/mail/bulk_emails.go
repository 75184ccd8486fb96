package mail

import (
	"strings"

	"satchel/schema"
)

const bulkExport = "Bulk Export"

func jobRequested(d Data) email {
	return email{
		Product:   bulkExport,
		Subject:   "A bulk export was requested for " + d.account(),
		Preheader: d.requester() + " requested the " + d.records() + " of " + d.days() + ". If you expected this, there is nothing you need to do.",
		Heading:   "A bulk export was requested",
		Intro: []string{
			d.requester() + " requested the " + d.records() + " of " + d.account() + ": " + d.days() + ", with one file per day.",
			"If you expected this, there is nothing you need to do.",
		},
		Action: &link{Label: "Open Bulk Export", URL: d.PageLink},
		Facts:  d.facts(d.jobFacts()...),
		Sections: []section{{
			Heading: "Not expecting this request?",
			Paragraphs: []string{
				"Delete the job on the Bulk Export page. If it is still running, the files that have not been written yet will not be created.",
				"Then revoke the access that was used: rotate the auth token or the API key, or change the password of the user who signed in. If you do not know which one it was, change them all.",
			},
		}},
		Footer:      d.footer(),
		Unsubscribe: &link{Label: "Unsubscribe from emails about bulk exports", URL: d.UnsubscribeLink},
	}
}

func jobEnded(d Data) email {
	e := email{
		Product: bulkExport,
		Action:  &link{Label: "Open Bulk Export", URL: d.PageLink},
		Footer:  "You are receiving this email because this address was given when a bulk export of " + d.account() + d.atBrand() + " was requested.",
	}
	var facts []fact
	if d.JobName != "" {
		facts = append(facts, fact{Label: "Job", Value: d.JobName})
	}
	facts = append(facts,
		fact{Label: "With records", Value: schema.Plural(int64(d.DaysWithRecords), "day")},
		fact{Label: "Empty", Value: schema.Plural(int64(d.DaysEmpty), "day")},
		fact{Label: "Failed", Value: schema.Plural(int64(d.DaysFailed), "day")},
	)
	written := d.DaysWithRecords + d.DaysEmpty
	if written == 0 {
		e.Subject = "The bulk export for " + d.account() + " could not be completed"
		e.Preheader = "No file was created. Please request the export again."
		e.Heading = "Your bulk export could not be completed"
		e.Intro = []string{"We are sorry: no file with the " + d.records() + " of " + d.account() + " could be created. Please request the export again."}
		e.Facts = d.facts(append(facts, d.jobFacts()...)...)
		return e
	}

	const format = ", as one gzip file of JSON lines per day. The file of a day without records is empty."
	e.Subject = "The bulk export for " + d.account() + " is ready"
	e.Preheader = "Every file is available at least until " + formatTime(d.ExpiresAt) + "."
	e.Heading = "Your bulk export is ready"
	e.Intro = []string{"The " + d.records() + " of " + d.account() + " are ready: " + d.days() + format}
	if d.DaysFailed > 0 {
		failed := schema.Plural(int64(d.DaysFailed), "day")
		e.Subject += ", except for " + failed
		e.Heading = "Your bulk export is partly ready"
		e.Intro = []string{
			"The " + d.records() + " of " + d.account() + " are partly ready: " + schema.FormatCount(int64(written)) + " of " + d.days() + format,
			"We are sorry: " + failed + " could not be exported. The Bulk Export page shows what is missing. Please request it again.",
		}
	}
	facts = append(facts, fact{Label: "Available until", Value: "at least " + formatTime(d.ExpiresAt)})
	e.Facts = d.facts(append(facts, d.jobFacts()...)...)
	e.Sections = []section{{
		Heading: "How to download the files",
		Paragraphs: []string{
			"Owners and admins of the account can sign in and download them on the Bulk Export page. A program can request each day from our API, with the account's auth token or an API key:",
			"GET " + dayPath(d.Type, d.Start),
		},
	}, {
		Heading:    "What happens next?",
		Paragraphs: []string{"Each file is deleted " + formatDuration(d.Retention) + " after it was created and cannot be restored. You can request the same days again."},
	}}
	return e
}

// dayPath returns the API's path of a day's file.
func dayPath(t schema.ResourceType, d schema.Day) string {
	return "/v1/Exports/" + string(t) + "/Days/" + string(d)
}

// records returns the resource type as it stands within a sentence.
func (d Data) records() string { return strings.ToLower(string(d.Type)) }

// days returns, for example, "1 day, 2026-03-01 (UTC)" or "3 days, from 2026-03-01 to
// 2026-03-03 (UTC)".
func (d Data) days() string {
	count := schema.Plural(int64(d.Start.DaysTo(d.End)), "day") + ", "
	if d.Start == d.End {
		return count + string(d.Start) + " (UTC)"
	}
	return count + "from " + string(d.Start) + " to " + string(d.End) + " (UTC)"
}

func (d Data) jobFacts() []fact {
	return []fact{
		{Label: "Record type", Value: string(d.Type)},
		{Label: "First day", Value: string(d.Start)},
		{Label: "Last day", Value: string(d.End)},
		{Label: "Days", Value: schema.FormatCount(int64(d.Start.DaysTo(d.End)))},
	}
}
