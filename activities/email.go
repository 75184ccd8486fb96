package activities

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"satchel/activities/mail"
	"satchel/schema"
)

// EmailKind is the event that e-mails are about. Each use case defines its kinds.
type EmailKind string

// SendEmailInput is the input of SendEmail.
type SendEmailInput struct {
	About       string // ID of the export or job
	Account     string
	Kind        EmailKind
	LinkVersion int           // counts the confirmation links of an export, from 1; 0 for a job
	Retention   time.Duration // how long day files are kept; 0 for an export
}

// Email is one e-mail to one person.
type Email struct {
	Kind        mail.Kind
	LinkVersion int
	To          schema.Person
	Data        mail.Data

	// Last says that it is sent only once all others of the occasion are sent or rejected.
	Last bool
	// StillTrue is asked before it is sent, where it is not nil: many e-mails take long.
	StillTrue func(context.Context) (bool, error)
}

// Name identifies the e-mail among those about one export or job. It holds no
// address: recipients who are no users have an ID of their own.
func (e Email) Name() string { return schema.EmailKey(string(e.Kind), e.To.ID, e.LinkVersion) }

// EmailComposer composes the e-mails of one use case.
type EmailComposer interface {
	// Composes tells whether e-mails of this kind are its own.
	Composes(kind EmailKind) bool
	// Compose returns the e-mails to send as things stand now; none where what
	// they would say is no longer true.
	Compose(ctx context.Context, in SendEmailInput) ([]Email, error)
}

// EmailLedger remembers which e-mails need no further attempt.
type EmailLedger interface {
	// EmailOutcomes returns, by name, true for e-mails that were sent and false for those
	// that were rejected for good.
	EmailOutcomes(ctx context.Context, about string) (map[string]bool, error)
	RecordEmailOutcome(ctx context.Context, about, name string, sent bool) error
}

// Mailer sends one e-mail; see package mail.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// EmailCounter counts attempts to send e-mails, for metrics.
type EmailCounter interface {
	Mailed(kind mail.Kind, outcome string)
}

// EmailActivities send the e-mails of both use cases.
type EmailActivities struct {
	Ledger    EmailLedger
	Mail      Mailer
	Count     EmailCounter
	Composers []EmailComposer
	Brand     mail.Brand
}

// SendEmail sends the e-mails of one occasion to everyone it concerns. Addresses
// and names are looked up now and stay out of histories. Running it again sends
// nothing twice, and continues with those that were not sent.
func (a *EmailActivities) SendEmail(ctx context.Context, in SendEmailInput) error {
	defer Heartbeat(ctx)()
	return ToApplicationError(ctx, a.sendEmail(ctx, in))
}

func (a *EmailActivities) sendEmail(ctx context.Context, in SendEmailInput) error {
	for _, c := range a.Composers {
		if !c.Composes(in.Kind) {
			continue
		}
		emails, err := c.Compose(ctx, in)
		if err != nil || len(emails) == 0 {
			return err
		}
		return a.sendEach(ctx, in.About, emails)
	}
	return schema.Errorf(schema.Invalid, "email_kind", "There is no e-mail of the kind %s.", in.Kind)
}

// How an attempt to send an e-mail ended.
const (
	emailSent     = "sent"
	emailDelayed  = "delayed" // it will be retried
	emailRejected = "refused" // the provider will never accept it
	emailLimited  = "limited" // the provider accepts no more e-mails from us right now
	emailBlocked  = "blocked" // it accepts none until its settings or ours are mended: key or sender
)

// sendEach sends those e-mails that are not in the ledger. One that is delayed or
// rejected does not stop the others, and one that was rejected is not retried; it is the
// error only where nothing is left to retry. The first that the provider does not answer
// ends the attempt: the next one would most likely wait as long, and meanwhile e-mails of
// others wait for this one's place. Attempts begin with different e-mails, so that one
// that is never answered does not keep the others from being sent.
func (a *EmailActivities) sendEach(ctx context.Context, about string, emails []Email) error {
	done, err := a.Ledger.EmailOutcomes(ctx, about)
	if err != nil {
		return err
	}
	var left, last []Email
	var delayed, rejected error
	for _, e := range emails {
		switch sent, known := done[e.Name()]; {
		case known && !sent:
			rejected = schema.Errorf(schema.Invalid, schema.CodeEmailRefused, "The provider rejected an e-mail for good.")
		case known:
		case e.Last:
			last = append(last, e)
		default:
			left = append(left, e)
		}
	}
	if n := len(left); n > 0 {
		begin := (int(activity.GetInfo(ctx).Attempt) - 1) % n
		left = slices.Concat(left[begin:], left[:begin])
	}
	for _, e := range slices.Concat(left, last) {
		if e.Last && delayed != nil {
			break
		}
		if e.StillTrue != nil {
			still, err := e.StillTrue(ctx)
			if err != nil {
				return err
			}
			if !still {
				continue
			}
		}
		outcome, err := a.send(ctx, about, e)
		switch {
		case outcome == emailLimited, outcome == emailBlocked, outcome == emailDelayed && isUnanswered(err):
			return err
		case outcome == emailDelayed:
			delayed = err
			continue
		case outcome == emailRejected:
			rejected = err
		}
		if err := a.Ledger.RecordEmailOutcome(ctx, about, e.Name(), outcome == emailSent); err != nil {
			return err
		}
	}
	if delayed != nil {
		return delayed
	}
	return rejected
}

func isUnanswered(err error) bool {
	failure, known := errors.AsType[*mail.Error](err)
	return known && failure.Status == 0
}

// send makes one attempt, and logs what no later attempt can mend by itself.
func (a *EmailActivities) send(ctx context.Context, about string, e Email) (outcome string, err error) {
	e.Data.Brand, e.Data.Zone = a.Brand, e.To.Zone
	subject, html, text, err := mail.Render(e.Kind, e.Data)
	if err != nil {
		return emailDelayed, err
	}
	err = a.Mail.Send(ctx, mail.Message{
		To: e.To.Email, Subject: subject, HTML: html, Text: text,
		Unsubscribe: e.Data.UnsubscribeLink, IdempotencyKey: about + "/" + e.Name(),
	})
	outcome = outcomeOf(err)
	a.Count.Mailed(e.Kind, outcome)
	switch outcome {
	case emailSent:
		return outcome, nil
	case emailRejected:
		activity.GetLogger(ctx).Error("e-mail rejected for good", "about", about, "email", e.Name(), "err", err)
	case emailBlocked:
		activity.GetLogger(ctx).Error("the provider accepts no e-mail from us", "err", err)
	}
	return outcome, err
}

func outcomeOf(err error) string {
	failure, known := errors.AsType[*mail.Error](err)
	switch {
	case err == nil, known && failure.Duplicate: // an earlier version of it has arrived
		return emailSent
	case known && failure.Permanent:
		return emailRejected
	case known && failure.AffectsAllMail && failure.Status == http.StatusTooManyRequests:
		return emailLimited
	case known && failure.AffectsAllMail:
		return emailBlocked
	}
	return emailDelayed
}

// NameOf returns the name of the person with this ID, or "".
func NameOf(id string, people []schema.Person) string {
	for _, p := range people {
		if p.ID == id {
			return p.Name
		}
	}
	return ""
}

// Requester says who requested an export or job, as far as an e-mail to this
// reader tells it.
func Requester(requestedBy string, reader schema.Person) mail.Requester {
	switch requestedBy {
	case "":
		return mail.APIClient
	case reader.ID:
		return mail.Recipient
	}
	return mail.OwnerOrAdmin
}
