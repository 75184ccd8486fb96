package activities

import (
	"context"
	"slices"

	"satchel/activities/mail"
	"satchel/schema"
)

// MailKind is an occasion to write to the people of an account.
type MailKind string

// An export is asked for, ready, failed, or lapsed unconfirmed.
const (
	RequestMail MailKind = "request" // the requester is to confirm, the others are told
	ReadyMail   MailKind = "ready"
	FailedMail  MailKind = "failed"
	LapsedMail  MailKind = "lapsed"
)

// Mail is what SendMail is told.
type Mail struct {
	Export     string
	Account    string
	Kind       MailKind
	Generation int // counts mails that are wanted again, from 1
}

// SendMail writes to everybody the occasion concerns, unless what it would say
// is no longer so. Addresses and names are looked up now and stay out of
// histories. Running it again sends nothing twice, and goes on with those who
// have not been written to.
func (a *Activities) SendMail(ctx context.Context, in Mail) error {
	defer beat(ctx)()
	return verdict(ctx, a.sendMail(ctx, in))
}

func (a *Activities) sendMail(ctx context.Context, in Mail) error {
	if in.Generation > 1 {
		if err := a.Store.NextGeneration(ctx, in.Export, in.Generation); err != nil {
			return err
		}
	}
	export, err := a.Store.Export(ctx, in.Export)
	if err != nil {
		return err
	}
	account, err := a.account(ctx, in.Account)
	if err != nil {
		return err
	}
	people, err := a.Source.People(ctx, in.Account)
	if err != nil {
		return err
	}
	concerned, others := audience(people, export.RequestedBy)
	if len(concerned) == 0 {
		return unseen("The source database shows no owner or admin of the account.")
	}
	return a.sendEach(ctx, in.Export, a.due(in, export, account, concerned, others))
}

// due is who is to get which letter, as things stand now.
func (a *Activities) due(in Mail, e schema.Export, account schema.Account, concerned, others []schema.Person) (letters []letter) {
	data := a.about(e, account)
	add := func(kind mail.Kind, generation int, to []schema.Person, link string) {
		for _, person := range to {
			l := letter{kind, generation, person, data}
			l.data.Link, l.data.Asker = link, asker(e.RequestedBy, person)
			letters = append(letters, l)
		}
	}
	lapsed := e.Status == schema.Expired && e.Reason == schema.Unconfirmed
	switch {
	case in.Kind == RequestMail:
		if e.Status == schema.Pending && e.Generation == in.Generation {
			add(mail.Confirmation, in.Generation, concerned, a.Site.Confirm(a.Links.Token(schema.ToConfirm, e.ID, in.Generation)))
		}
		if e.Status != schema.Cancelled && !lapsed { // however quick the requester is, the others hear of it
			add(mail.Notice, 1, others, "")
		}
	case in.Kind == ReadyMail && e.Status == schema.Completed:
		add(mail.Ready, 1, concerned, a.Site.Download(a.Links.Token(schema.ToDownload, e.ID, 1)))
	case in.Kind == FailedMail && e.Status == schema.Failed:
		add(mail.Failed, 1, concerned, "")
	case in.Kind == LapsedMail && lapsed:
		add(mail.Lapsed, 1, concerned, "")
	}
	return letters
}

// about gathers what letters say. They name the account and no person: whoever
// wants to know who asked signs in, and mailboxes are read by many.
func (a *Activities) about(e schema.Export, account schema.Account) mail.Data {
	data := mail.Data{
		AccountName: account.Name,
		AccountID:   e.Account,
		ExportID:    e.ID,
		StopLink:    a.Site.Stop(a.Links.Token(schema.ToStop, e.ID, 1)),
		PageLink:    a.Site.DataExport(),
		RequestedAt: e.RequestedAt,
		ConfirmBy:   e.ConfirmBy,
		Category:    e.FailedCategory,
		Reason:      e.Reason,
	}
	for _, c := range e.Categories {
		data.Records += c.Records
	}
	if e.CompletedAt != nil && e.ExpiresAt != nil && e.Size != nil && e.SHA256 != nil {
		data.CompletedAt, data.ExpiresAt, data.Size, data.SHA256 = *e.CompletedAt, *e.ExpiresAt, *e.Size, *e.SHA256
	}
	if e.AvailableAgainAt != nil {
		data.AvailableAgainAt = *e.AvailableAgainAt
	}
	return data
}

func asker(requestedBy string, reader schema.Person) mail.Asker {
	switch requestedBy {
	case "":
		return mail.Program
	case reader.ID:
		return mail.Reader
	}
	return mail.Somebody
}

// audience splits the owners and admins into those the export concerns and the
// others. It concerns the requester; where that is nobody of them any more, all
// owners; and where there is no owner, all admins.
func audience(people []schema.Person, requestedBy string) (concerned, others []schema.Person) {
	people = slices.DeleteFunc(slices.Clone(people), func(p schema.Person) bool { return !p.Role.MayExport() })
	for _, concerns := range []func(schema.Person) bool{
		func(p schema.Person) bool { return p.ID == requestedBy },
		func(p schema.Person) bool { return p.Role == schema.Owner },
		func(schema.Person) bool { return true },
	} {
		if slices.ContainsFunc(people, concerns) {
			for _, p := range people {
				if concerns(p) {
					concerned = append(concerned, p)
				} else {
					others = append(others, p)
				}
			}
			break
		}
	}
	return concerned, others
}
