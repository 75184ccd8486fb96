package accountexport

import (
	"context"
	"slices"
	"time"

	"satchel/activities"
	"satchel/activities/mail"
	"satchel/schema"
)

// Kinds of e-mails about an account export.
const (
	RequestEmail     activities.EmailKind = "request" // the requester is to confirm, the others are notified
	ReadyEmail       activities.EmailKind = "ready"
	FailedEmail      activities.EmailKind = "failed"
	UnconfirmedEmail activities.EmailKind = "lapsed" // it was not confirmed in time
)

var emailKinds = []activities.EmailKind{RequestEmail, ReadyEmail, FailedEmail, UnconfirmedEmail}

// EmailComposer composes e-mails about account exports.
type EmailComposer struct {
	Store     EmailStore
	Directory activities.Directory
	Links     schema.Links
	Site      schema.Site
}

// Composes is activities.EmailComposer.
func (c *EmailComposer) Composes(kind activities.EmailKind) bool {
	return slices.Contains(emailKinds, kind)
}

// Compose is activities.EmailComposer. A version of the confirmation link above
// the first becomes the current one.
func (c *EmailComposer) Compose(ctx context.Context, in activities.SendEmailInput) ([]activities.Email, error) {
	if in.LinkVersion > 1 {
		if err := c.Store.SetLinkVersion(ctx, in.About, in.LinkVersion); err != nil {
			return nil, err
		}
	}
	export, err := c.Store.Export(ctx, in.About)
	if err != nil {
		return nil, err
	}
	account, err := activities.VisibleAccount(ctx, c.Directory, in.Account)
	if err != nil {
		return nil, err
	}
	people, err := activities.OwnersAndAdmins(ctx, c.Directory, in.Account)
	if err != nil {
		return nil, err
	}
	concerned, others := recipients(people, export.RequestedBy)
	if in.Kind == RequestEmail {
		often, err := c.Store.OftenNotified(ctx, export.ID, maxNotices, time.Hour)
		if err != nil {
			return nil, err
		}
		others = slices.DeleteFunc(others, func(p schema.Person) bool { return often[p.ID] })
	}
	data := c.data(export, account)
	data.Requester = activities.NameOf(export.RequestedBy, people)
	return c.emails(in, export, data, concerned, others), nil
}

// maxNotices is of how many exports that were requested and cancelled a person is
// notified in an hour. The links of these notices stop a later one, too.
const maxNotices = 2

// emails returns who is to get which e-mail, as things stand now.
func (c *EmailComposer) emails(in activities.SendEmailInput, e schema.Export, data mail.Data, concerned, others []schema.Person) (emails []activities.Email) {
	add := func(kind mail.Kind, linkVersion int, to []schema.Person, link string) {
		for _, person := range to {
			email := activities.Email{Kind: kind, LinkVersion: linkVersion, To: person, Data: data}
			email.Data.Link, email.Data.RequestedBy = link, activities.Requester(e.RequestedBy, person)
			if in.Kind == RequestEmail {
				// Nobody gets the link before all who may stop the export have heard of it.
				email.Last = kind == mail.Confirmation
				email.StillTrue = func(ctx context.Context) (bool, error) {
					now, err := c.Store.Export(ctx, e.ID)
					return now.Status != schema.Cancelled && (kind == mail.Notice || now.Status == schema.Pending), err
				}
			}
			emails = append(emails, email)
		}
	}
	unconfirmed := e.Status == schema.Expired && e.Reason == schema.ReasonUnconfirmed
	switch {
	case in.Kind == RequestEmail:
		if e.Status == schema.Pending && e.LinkVersion == in.LinkVersion {
			add(mail.Confirmation, in.LinkVersion, concerned, c.Site.ConfirmURL(c.Links.Token(schema.ToConfirm, e.ID, in.LinkVersion)))
		}
		if e.Status != schema.Cancelled && !unconfirmed { // the others are notified however soon the requester confirms
			add(mail.Notice, 1, others, "")
		}
	case in.Kind == ReadyEmail && e.Status == schema.Completed:
		add(mail.Ready, 1, concerned, c.Site.DownloadURL(c.Links.Token(schema.ToDownload, e.ID, 1)))
	case in.Kind == FailedEmail && e.Status == schema.Failed:
		add(mail.Failed, 1, concerned, "")
	case in.Kind == UnconfirmedEmail && unconfirmed:
		add(mail.Lapsed, 1, concerned, "")
	}
	return emails
}

// data returns what all e-mails about the export say.
func (c *EmailComposer) data(e schema.Export, account schema.Account) mail.Data {
	data := mail.Data{
		AccountName: account.Name,
		AccountID:   e.Account,
		ExportID:    e.ID,
		StopLink:    c.Site.StopURL(c.Links.Token(schema.ToStop, e.ID, 1)),
		PageLink:    c.Site.DataExportURL(),
		RequestedAt: e.RequestedAt,
		ConfirmBy:   e.ConfirmBy,
		Category:    e.FailedCategory,
		Reason:      e.Reason,
	}
	for _, category := range e.Categories {
		data.Records += category.Records
	}
	if e.CompletedAt != nil && e.ExpiresAt != nil && e.Size != nil && e.SHA256 != nil {
		data.CompletedAt, data.ExpiresAt, data.Size, data.SHA256 = *e.CompletedAt, *e.ExpiresAt, *e.Size, *e.SHA256
	}
	if e.AvailableAgainAt != nil {
		data.AvailableAgainAt = *e.AvailableAgainAt
	}
	return data
}

// recipients splits owners and admins into those whom the export concerns and the
// others. It concerns the requester; where the requester is not among them, all
// owners; and where there is no owner, all admins.
func recipients(people []schema.Person, requestedBy string) (concerned, others []schema.Person) {
	for _, concerns := range []func(schema.Person) bool{
		func(p schema.Person) bool { return p.ID == requestedBy },
		func(p schema.Person) bool { return p.Role == schema.Owner },
		func(schema.Person) bool { return true },
	} {
		if !slices.ContainsFunc(people, concerns) {
			continue
		}
		for _, p := range people {
			if concerns(p) {
				concerned = append(concerned, p)
			} else {
				others = append(others, p)
			}
		}
		return concerned, others
	}
	return nil, nil
}
