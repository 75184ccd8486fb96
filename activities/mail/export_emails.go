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
	ignore := section{
		Heading:    "Not expecting this request?",
		Paragraphs: []string{"You can ignore this email: without a confirmation, the request expires and nothing is exported."},
	}
	if d.StopLink != "" {
		ignore.Paragraphs[0] += " You can also stop it right away."
		ignore.Link = &link{Label: "Stop this export", URL: d.StopLink, Destructive: true}
	}
	return email{
		Subject:   "Confirm the data export for " + d.account(),
		Preheader: "Nothing is exported until you confirm. The link is valid until " + formatTime(d.ConfirmBy) + ".",
		Heading:   "Confirm your data export",
		Intro: []string{
			d.requester() + " requested a complete copy of the data of " + d.account() + ". Nothing is exported unless you confirm the export within " + formatDuration(d.ConfirmBy.Sub(d.RequestedAt)) + " of the request.",
			"The link below opens a page that shows what will be exported. Sign in there as an owner or admin of the account and confirm the export.",
		},
		Action: &link{Label: "Review and confirm", URL: d.Link},
		Facts: d.facts(
			fact{Label: "Confirm by", Value: formatTime(d.ConfirmBy)},
			fact{Label: "Included", Value: "One JSON file with your " + categoryList(d.categories) + "."},
			fact{Label: "Not included", Value: "Passwords, sign-in secrets, the credentials of your providers, and calls whose personal data has been removed."},
		),
		Sections: []section{ignore},
		Footer:   d.footer(),
	}
}

func notice(d Data) email {
	e := email{
		Subject:   "A data export was requested for " + d.account(),
		Preheader: d.requester() + " requested it. If you expected this, there is nothing you need to do.",
		Heading:   "A data export was requested",
		Intro: []string{
			d.requester() + " requested a complete copy of the data of " + d.account() + ". The export starts only after it has been confirmed by email.",
			"If you expected this, there is nothing you need to do. If not, you can stop the export.",
			"If this export is cancelled and another one is requested within an hour, you may not get another email. The same link then stops that one.",
		},
		Action: &link{Label: "Stop this export", URL: d.StopLink, Destructive: true},
		Facts: d.facts(
			fact{Label: "Confirm by", Value: formatTime(d.ConfirmBy)},
		),
		Footer: d.footer(),
	}
	if d.PageLink != "" {
		e.Sections = append(e.Sections, section{
			Heading:    "Has the file already been created?",
			Paragraphs: []string{"In that case the export can no longer be stopped, but you can delete the file on the Data Export page."},
			Link:       &link{Label: "Open Data Export", URL: d.PageLink},
		})
	}
	return e
}

func ready(d Data) email {
	kept := formatDuration(d.ExpiresAt.Sub(d.CompletedAt))
	next := section{
		Heading:    "What happens next?",
		Paragraphs: []string{"After " + kept + ", the file and its key are deleted and cannot be restored." + d.nextExport()},
	}
	if d.PageLink != "" {
		next.Paragraphs[0] += " You can also delete the file earlier, on the Data Export page."
		next.Link = &link{Label: "Open Data Export", URL: d.PageLink}
	}
	return email{
		Subject:   "The data export for " + d.account() + " is ready",
		Preheader: "Download the file by " + formatTime(d.ExpiresAt) + ". After that, it is deleted.",
		Heading:   "Your data export is ready",
		Intro: []string{
			"The complete copy of the data of " + d.account() + " is ready as one JSON file. We keep it for " + kept + ", until " + formatTime(d.ExpiresAt) + ".",
			"The link works only for signed-in owners and admins of the account.",
		},
		Action: &link{Label: "Download the file", URL: d.Link},
		Facts: d.facts(
			fact{Label: "Available until", Value: formatTime(d.ExpiresAt)},
			fact{Label: "Size", Value: formatSize(d.Size)},
			fact{Label: "Records", Value: schema.FormatCount(d.Records)},
			fact{Label: "SHA-256", Value: d.SHA256, Code: true},
		),
		Sections: []section{{
			Heading: "Keep the file safe",
			Paragraphs: []string{
				"The file contains personal data and is no longer encrypted once it is on your computer. To check that the download is complete, compare the SHA-256 of the file with the one above.",
			},
		}, next},
		Footer: d.footer(),
	}
}

func failed(d Data) email {
	reason := d.Reason
	if reason == "" {
		reason = schema.ReasonFailed(d.Category)
	}
	var affected []fact
	if d.Category != "" {
		affected = append(affected, fact{Label: "Affected data", Value: d.Category.Title()})
	}
	return email{
		Subject:   "The data export for " + d.account() + " could not be completed",
		Preheader: reason,
		Heading:   "Your data export could not be completed",
		Intro: []string{
			"We are sorry: the export of the data of " + d.account() + " could not be completed. " + reason,
			"No file was created, and everything written so far has been deleted.",
		},
		Action: &link{Label: "Request a new export", URL: d.PageLink},
		Facts:  d.facts(affected...),
		Sections: []section{{
			Heading:    "If it fails again",
			Paragraphs: []string{"Please forward this email to our support team" + d.supportAddress() + ", so that they can look into it."},
		}},
		Footer: d.footer(),
	}
}

func lapsed(d Data) email {
	return email{
		Subject:   "The data export for " + d.account() + " was not confirmed",
		Preheader: "Nothing was exported. You can request a new export at any time.",
		Heading:   "Your data export was not confirmed",
		Intro: []string{
			"A copy of the data of " + d.account() + " was requested, but the request was not confirmed within " + formatDuration(d.ConfirmBy.Sub(d.RequestedAt)) + " and has expired. Nothing was exported, and no file was created.",
			"If you still want the export, please request it again and use the link in the confirmation email that we send you then.",
		},
		Action: &link{Label: "Request a new export", URL: d.PageLink},
		Facts: d.facts(
			fact{Label: "Expired", Value: formatTime(d.ConfirmBy)},
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
	switch d.RequestedBy {
	case Recipient:
		return "You"
	case APIClient:
		return "A program with the account's API credentials"
	}
	if d.Requester != "" {
		return d.Requester
	}
	return "An owner or admin"
}

func (d Data) nextExport() string {
	switch {
	case d.AvailableAgainAt.IsZero():
		return ""
	case d.AvailableAgainAt.Equal(d.ExpiresAt):
		return " You can then request a new export."
	}
	return " You can request a new export from " + formatTime(d.AvailableAgainAt) + "."
}

// facts returns own, followed by the facts that every email ends with.
func (d Data) facts(own ...fact) []fact {
	by := d.Requester
	if d.RequestedBy == APIClient {
		by = d.requester()
	}
	for _, f := range []fact{
		{Label: "Account", Value: d.AccountName},
		{Label: "Requested by", Value: by},
		{Label: "Requested", Value: formatTime(d.RequestedAt)},
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
	return "You are receiving this email because you are an owner or admin of " + d.account() + d.atBrand() + "."
}

// atBrand returns " at Acme", or "" if the platform has no name.
func (d Data) atBrand() string {
	if d.Brand.Name == "" {
		return ""
	}
	return " at " + d.Brand.Name
}

// supportAddress returns " at support@acme.example", or "" if there is none.
func (d Data) supportAddress() string {
	if d.Brand.Support == "" {
		return ""
	}
	return " at " + d.Brand.Support
}
