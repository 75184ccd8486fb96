package activities

import (
	"context"
	"errors"
	"fmt"
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

// SendMail writes to everybody the occasion concerns. Addresses and names are
// looked up now and stay out of histories. Running it again sends nothing
// twice: each letter has its own Idempotency-Key.
func (a *Activities) SendMail(ctx context.Context, in Mail) error {
	return verdict(ctx, a.sendMail(ctx, in))
}

func (a *Activities) sendMail(ctx context.Context, in Mail) error {
	export, err := a.Store.Export(ctx, in.Export)
	if err != nil {
		return err
	}
	if !timely(in.Kind, export.Status) {
		return nil
	}
	account, err := a.Source.Account(ctx, in.Account)
	if err != nil {
		return err
	}
	people, err := a.Source.People(ctx, in.Account)
	if err != nil {
		return err
	}
	concerned, others := audience(people, export.RequestedBy)
	data := a.letter(in, export, account)
	if in.Kind != RequestMail {
		return a.sendEach(ctx, in, letterOf[in.Kind], concerned, data)
	}
	if export.Status != schema.Pending {
		concerned = nil // somebody has confirmed meanwhile; the others are still to hear of it
	}
	if in.Generation > 1 {
		others = nil // they have heard of it
		if err := a.Store.NextGeneration(ctx, in.Export, in.Generation); err != nil {
			return err
		}
	}
	return errors.Join(
		a.sendEach(ctx, in, mail.Confirmation, concerned, data),
		a.sendEach(ctx, in, mail.Notice, others, data))
}

// timely tells whether a mail that was long on its way still says the truth.
func timely(kind MailKind, s schema.Status) bool {
	switch kind {
	case RequestMail:
		return s.Cancellable()
	case ReadyMail:
		return s == schema.Completed
	}
	return true
}

var letterOf = map[MailKind]mail.Kind{ReadyMail: mail.Ready, FailedMail: mail.Failed, LapsedMail: mail.Lapsed}

// sendEach sends one letter to each person. One bad address keeps nobody
// else's letter; the worst trouble is the one that is told.
func (a *Activities) sendEach(ctx context.Context, in Mail, kind mail.Kind, to []schema.Person, data mail.Data) error {
	var worst error
	for _, person := range to {
		subject, html, text, err := mail.Render(kind, data)
		if err != nil {
			return err
		}
		err = a.Mail.Send(ctx, mail.Message{
			To: person.Email, Subject: subject, HTML: html, Text: text,
			IdempotencyKey: fmt.Sprintf("%s/%s/%s/%d", in.Export, kind, person.ID, in.Generation),
		})
		var trouble *mail.Error
		if errors.As(err, &trouble) && trouble.Duplicate {
			continue // it has arrived before, in other words
		}
		if err != nil && (worst == nil || trouble == nil || !trouble.Permanent) {
			worst = err
		}
	}
	return worst
}

// letter gathers what the letters say. They name the account and no person:
// whoever wants to know who asked signs in, and mailboxes are read by many.
func (a *Activities) letter(in Mail, e schema.Export, account schema.Account) mail.Data {
	data := mail.Data{
		AccountName:   account.Name,
		AccountID:     e.Account,
		ExportID:      e.ID,
		ByCredentials: e.RequestedBy == "",
		StopLink:      a.Site.Stop(a.Links.Token(schema.ToStop, e.ID, 1)),
		PageLink:      a.Site.DataExport(),
		RequestedAt:   e.RequestedAt,
		ConfirmBy:     e.ConfirmBy,
		Category:      e.FailedCategory,
		Reason:        e.Reason,
	}
	switch in.Kind {
	case RequestMail:
		data.Link = a.Site.Confirm(a.Links.Token(schema.ToConfirm, e.ID, in.Generation))
	case ReadyMail:
		data.Link = a.Site.Download(a.Links.Token(schema.ToDownload, e.ID, 1))
		for _, c := range e.Categories {
			data.Records += c.Records
		}
	}
	if e.CompletedAt != nil && e.ExpiresAt != nil && e.Size != nil && e.SHA256 != nil {
		data.CompletedAt, data.ExpiresAt, data.Size, data.SHA256 = *e.CompletedAt, *e.ExpiresAt, *e.Size, *e.SHA256
	}
	if e.AvailableAgainAt != nil {
		data.AvailableAgainAt = *e.AvailableAgainAt
	}
	return data
}

// audience splits the owners and admins into those the export concerns, who
// are the requester or else all owners, and the others.
func audience(people []schema.Person, requestedBy string) (concerned, others []schema.Person) {
	known := slices.ContainsFunc(people, func(p schema.Person) bool { return p.ID == requestedBy && p.Role.MayExport() })
	for _, p := range people {
		switch {
		case !p.Role.MayExport():
		case p.ID == requestedBy, !known && p.Role == schema.Owner:
			concerned = append(concerned, p)
		default:
			others = append(others, p)
		}
	}
	return concerned, others
}
