package activities

import (
	"context"
	"errors"
	"net/http"

	"go.temporal.io/sdk/activity"

	"satchel/activities/mail"
	"satchel/schema"
)

// letter is one letter to one person.
type letter struct {
	kind       mail.Kind
	generation int
	to         schema.Person
	data       mail.Data
}

// name holds no address: who is no user has an ID for it all the same.
func (l letter) name() string { return schema.LetterName(string(l.kind), l.to.ID, l.generation) }

// How an attempt to send a letter ended.
const (
	letterSent    = "sent"
	letterDelayed = "delayed" // it will be tried again
	letterRefused = "refused" // the provider will never take it
	letterLimited = "limited" // the provider takes no more letters from us right now
	letterBlocked = "blocked" // it takes none before its settings or ours are mended: key or sender
)

// sendEach sends the letters about an export or job that are not settled yet. One that is delayed or
// refused keeps nobody else's, and one that was refused is not tried again; it
// is the error only where nothing is left to try.
func (a *Activities) sendEach(ctx context.Context, subject string, letters []letter) error {
	settled, err := a.Store.Letters(ctx, subject)
	if err != nil {
		return err
	}
	var delayed, refused error
	for _, l := range letters {
		if sent, known := settled[l.name()]; known {
			if !sent {
				refused = schema.Errorf(schema.Invalid, schema.CodeEmailRefused, "The provider refused a letter for good.")
			}
			continue
		}
		outcome, err := a.send(ctx, subject, l)
		switch outcome {
		case letterLimited, letterBlocked:
			return err
		case letterDelayed:
			delayed = err
			continue
		case letterRefused:
			refused = err
		}
		if err := a.Store.SettleLetter(ctx, subject, l.name(), outcome == letterSent); err != nil {
			return err
		}
	}
	if delayed != nil {
		return delayed
	}
	return refused
}

// send tries once, and tells operators what no later attempt can mend alone.
func (a *Activities) send(ctx context.Context, about string, l letter) (outcome string, err error) {
	subject, html, text, err := mail.Render(l.kind, l.data)
	if err != nil {
		return letterDelayed, err
	}
	err = a.Mail.Send(ctx, mail.Message{
		To: l.to.Email, Subject: subject, HTML: html, Text: text,
		Unsubscribe: l.data.UnsubscribeLink, IdempotencyKey: about + "/" + l.name(),
	})
	outcome = outcomeOf(err)
	a.Count.Mailed(l.kind, outcome)
	switch outcome {
	case letterSent:
		return outcome, nil
	case letterRefused:
		activity.GetLogger(ctx).Error("a letter was refused for good", "about", about, "letter", l.name(), "err", err)
	case letterBlocked:
		activity.GetLogger(ctx).Error("no letter leaves until the provider takes our mail again", "err", err)
	}
	return outcome, err
}

func outcomeOf(err error) string {
	trouble, known := errors.AsType[*mail.Error](err)
	switch {
	case err == nil, known && trouble.Duplicate: // it has arrived before, in other words
		return letterSent
	case known && trouble.Permanent:
		return letterRefused
	case known && trouble.Everybody && trouble.Status == http.StatusTooManyRequests:
		return letterLimited
	case known && trouble.Everybody:
		return letterBlocked
	}
	return letterDelayed
}
