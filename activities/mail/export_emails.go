package mail

import "satchel/schema"

// builders create the content of each kind of email.
var builders = map[Kind]func(Data) email{
	Confirmation: confirmation,
	Notice:       notice,
	Ready:        ready,
	Failed:       failed,
	Lapsed:       lapsed,
	JobRequested: jobRequested,
	JobEnded:     jobEnded,
}

func confirmation(d Data) email {
	e := email{
		Subject:   "Confirm the data export of " + d.account(),
		Preheader: "Nothing is exported until you confirm. The link is good until " + formatTime(d.ConfirmBy) + ".",
		Heading:   "Confirm your data export",
		Intro: []string{
			d.requester() + " asked for a complete copy of the data of " + d.account() + ". Nothing is exported unless you confirm it within " + formatDuration(d.ConfirmBy.Sub(d.RequestedAt)) + " of the request.",
			"The link opens a page that shows what will be exported. Sign in there as an owner or admin of the account, and press the button.",
		},
		Action: &link{Label: "Review and confirm", URL: d.Link},
		Facts: d.facts(
			fact{Label: "Confirm by", Value: formatTime(d.ConfirmBy)},
			fact{Label: "You get", Value: "One JSON file with your " + categoryList() + "."},
			fact{Label: "Left out", Value: "Passwords, sign-in secrets, the credentials of your providers, and calls whose personal data was removed."},
		),
		Footer: d.footer(),
	}
	ask := section{
		Heading:    "You did not expect this?",
		Paragraphs: []string{"Ignore this mail. Without your confirmation the request lapses and nothing is exported."},
	}
	if d.StopLink != "" {
		ask.Paragraphs[0] += " You can also stop it at once."
		ask.Link = &link{Label: "Stop this export", URL: d.StopLink, Destructive: true}
	}
	e.Sections = append(e.Sections, ask)
	return e
}

func notice(d Data) email {
	e := email{
		Subject:   "A data export of " + d.account() + " was requested",
		Preheader: d.requester() + " asked for it. If that is expected, there is nothing to do.",
		Heading:   "A data export was requested",
		Intro: []string{
			d.requester() + " asked for a complete copy of the data of " + d.account() + ". It starts only after it has been confirmed by e-mail.",
			"If that is expected, there is nothing for you to do. If it is not, stop it.",
		},
		Action: &link{Label: "Stop this export", URL: d.StopLink, Destructive: true},
		Facts: d.facts(
			fact{Label: "Confirm by", Value: formatTime(d.ConfirmBy)},
		),
		Footer: d.footer(),
	}
	if d.PageLink != "" {
		e.Sections = append(e.Sections, section{
			Heading:    "Is the file there already?",
			Paragraphs: []string{"Then it can no longer be stopped, but you can delete it on the Data Export page."},
			Link:       &link{Label: "Open Data Export", URL: d.PageLink},
		})
	}
	return e
}

func ready(d Data) email {
	kept := formatDuration(d.ExpiresAt.Sub(d.CompletedAt))
	e := email{
		Subject:   "The data export of " + d.account() + " is ready",
		Preheader: "Download it until " + formatTime(d.ExpiresAt) + ". Then it is deleted.",
		Heading:   "Your data export is ready",
		Intro: []string{
			"The complete copy of the data of " + d.account() + " is ready as one JSON file. We keep it for " + kept + ", until " + formatTime(d.ExpiresAt) + ".",
			"The link works for owners and admins of the account who are signed in, and for nobody else.",
		},
		Action: &link{Label: "Download the file", URL: d.Link},
		Facts: d.facts(
			fact{Label: "Kept until", Value: formatTime(d.ExpiresAt)},
			fact{Label: "Size", Value: formatSize(d.Size)},
			fact{Label: "Records", Value: formatNumber(d.Records)},
			fact{Label: "SHA-256", Value: d.SHA256, Code: true},
		),
		Sections: []section{{
			Heading: "Keep it safe",
			Paragraphs: []string{
				"The file is not encrypted once it is on your computer, and it holds personal data. To check that it arrived whole, compare its SHA-256 with the one above.",
			},
		}},
		Footer: d.footer(),
	}
	then := section{
		Heading:    "And then?",
		Paragraphs: []string{"After " + kept + " the file and its key are deleted, and we cannot restore it." + d.nextExport()},
	}
	if d.PageLink != "" {
		then.Paragraphs[0] += " You can also delete it earlier, on the Data Export page."
		then.Link = &link{Label: "Open Data Export", URL: d.PageLink}
	}
	e.Sections = append(e.Sections, then)
	return e
}

func failed(d Data) email {
	reason := d.Reason
	if reason == "" {
		reason = schema.FailedReason(d.Category)
	}
	var notRead []fact
	if d.Category != "" {
		notRead = append(notRead, fact{Label: "Not read", Value: d.Category.Title()})
	}
	return email{
		Subject:   "The data export of " + d.account() + " could not be finished",
		Preheader: reason,
		Heading:   "Your data export could not be finished",
		Intro: []string{
			"We are sorry: the export of the data of " + d.account() + " could not be finished. " + reason,
			"No file was made, and what had been written so far has been deleted.",
		},
		Action: &link{Label: "Ask for a new export", URL: d.PageLink},
		Facts:  d.facts(notRead...),
		Sections: []section{{
			Heading:    "Does it fail again?",
			Paragraphs: []string{"Then somebody has to look at it. Please forward this mail to our support."},
		}},
		Footer: d.footer(),
	}
}

func lapsed(d Data) email {
	return email{
		Subject:   "The data export of " + d.account() + " was not confirmed",
		Preheader: "Nothing was exported. You can ask again at any time.",
		Heading:   "Your data export was not confirmed",
		Intro: []string{
			"A copy of the data of " + d.account() + " was asked for, but nobody confirmed it within " + formatDuration(d.ConfirmBy.Sub(d.RequestedAt)) + ". The request has lapsed. Nothing was exported, and no file was made.",
			"Do you still want it? Ask again, and use the link in the mail that we then send you.",
		},
		Action: &link{Label: "Ask for a new export", URL: d.PageLink},
		Facts: d.facts(
			fact{Label: "Lapsed", Value: formatTime(d.ConfirmBy)},
		),
		Footer: d.footer(),
	}
}

func (d Data) account() string {
	if d.AccountName == "" {
		return "your account"
	}
	return d.AccountName
}

// requester returns the requester as the subject of a sentence.
func (d Data) requester() string {
	switch d.Asker {
	case Reader:
		return "You"
	case Program:
		return "A program with the account's API credentials"
	}
	return "An owner or admin"
}

func (d Data) nextExport() string {
	switch {
	case d.AvailableAgainAt.IsZero():
		return ""
	case d.AvailableAgainAt.Equal(d.ExpiresAt):
		return " You can then ask for a new export."
	}
	return " You can ask for a new export from " + formatTime(d.AvailableAgainAt) + "."
}

// facts returns own, followed by the facts that every email ends with.
func (d Data) facts(own ...fact) []fact {
	program := ""
	if d.Asker == Program {
		program = d.requester()
	}
	for _, f := range []fact{
		{Label: "Account", Value: d.AccountName},
		{Label: "Asked for by", Value: program},
		{Label: "Asked for", Value: formatTime(d.RequestedAt)},
		{Label: "Account ID", Value: d.AccountID, Code: true},
		{Label: "Export ID", Value: d.ExportID, Code: true},
		{Label: "Job ID", Value: d.JobID, Code: true},
	} {
		if f.Value != "" {
			own = append(own, f)
		}
	}
	return own
}

func (d Data) footer() string {
	return "You get this mail because you are an owner or admin of " + d.account() + "."
}
