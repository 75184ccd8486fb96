package bulkexport

import (
	"context"
	"slices"
	"time"

	"satchel/activities"
	"satchel/activities/mail"
	"satchel/schema"
)

// Kinds of e-mails about a bulk job.
const (
	JobRequestedEmail activities.EmailKind = "job-requested" // it was created: to the account's owners and admins
	JobEndedEmail     activities.EmailKind = "job-ended"     // its last day has ended: to the address in the request
)

// jobAddressID stands for the recipient at a job's address, who need not be a user,
// in the names of e-mails.
const jobAddressID = "job-email"

// EmailComposer composes e-mails about bulk jobs: of a new one to the owners and
// admins who have not unsubscribed, even if it is to be deleted, since someone
// requested it in their name; of one that ended to its address, unless it is to be
// deleted.
type EmailComposer struct {
	Store     EmailStore
	Directory activities.Directory
	Links     schema.Links
	Site      schema.Site
}

// Composes is activities.EmailComposer.
func (c *EmailComposer) Composes(kind activities.EmailKind) bool {
	return kind == JobRequestedEmail || kind == JobEndedEmail
}

// Compose is activities.EmailComposer.
func (c *EmailComposer) Compose(ctx context.Context, in activities.SendEmailInput) ([]activities.Email, error) {
	job, err := c.Store.Job(ctx, in.About)
	if schema.KindOf(err) == schema.NotFound {
		return nil, nil // it was purged
	}
	if err != nil {
		return nil, err
	}
	account, err := activities.VisibleAccount(ctx, c.Directory, job.Account)
	if err != nil {
		return nil, err
	}
	data := c.data(job, account, in.Retention)
	switch {
	case in.Kind == JobRequestedEmail:
		people, err := activities.OwnersAndAdmins(ctx, c.Directory, job.Account)
		if err != nil {
			return nil, err
		}
		data.Requester = activities.NameOf(job.RequestedBy, people)
		if people, err = c.subscribers(ctx, people); err != nil {
			return nil, err
		}
		often, err := c.Store.OftenNotified(ctx, job.ID, maxNotices, time.Hour)
		people = slices.DeleteFunc(people, func(p schema.Person) bool { return often[p.ID] })
		return c.requestedEmails(job, people, data), err
	case in.Kind == JobEndedEmail && job.EndedAt != nil && job.DeletingAt == nil && job.Email != "":
		return []activities.Email{jobEndedEmail(job, data)}, nil
	}
	return nil, nil
}

// maxNotices is of how many new jobs a person is notified in an hour. A program may
// create hundreds; the page lists them all.
const maxNotices = 10

func jobEndedEmail(job schema.Job, data mail.Data) activities.Email {
	return activities.Email{Kind: mail.JobEnded, LinkVersion: 1, To: schema.Person{ID: jobAddressID, Email: job.Email}, Data: data}
}

// subscribers returns the people who have not unsubscribed.
func (c *EmailComposer) subscribers(ctx context.Context, people []schema.Person) ([]schema.Person, error) {
	users := make([]string, len(people))
	for i, p := range people {
		users[i] = p.ID
	}
	unsubscribed, err := c.Store.Unsubscribed(ctx, users)
	return slices.DeleteFunc(people, func(p schema.Person) bool { return unsubscribed[p.ID] }), err
}

func (c *EmailComposer) requestedEmails(job schema.Job, to []schema.Person, data mail.Data) (emails []activities.Email) {
	for _, person := range to {
		email := activities.Email{Kind: mail.JobRequested, LinkVersion: 1, To: person, Data: data}
		email.Data.RequestedBy = activities.Requester(job.RequestedBy, person)
		if schema.IsUserID(person.ID) { // a link can name no other ID; a company's own directory may have them
			email.Data.UnsubscribeLink = c.Site.UnsubscribeURL(c.Links.Token(schema.ToUnsubscribe, person.ID, 1))
		}
		emails = append(emails, email)
	}
	return emails
}

// data returns what the e-mails say of a job. Its files are written one after the
// other, and none before the job was created: ExpiresAt is until when all of them
// are kept at least.
func (c *EmailComposer) data(job schema.Job, account schema.Account, retention time.Duration) mail.Data {
	var days schema.EventResult
	for _, d := range job.Days {
		days.Add(d.Status)
	}
	return mail.Data{
		AccountName:     account.Name,
		AccountID:       job.Account,
		JobID:           job.ID,
		JobName:         job.Name,
		RequestedBy:     mail.OwnerOrAdmin,
		PageLink:        c.Site.BulkExportURL(),
		RequestedAt:     job.CreatedAt,
		ExpiresAt:       job.CreatedAt.Add(retention),
		Retention:       retention,
		Type:            job.Type,
		Start:           job.Start,
		End:             job.End,
		DaysWithRecords: days.Completed,
		DaysEmpty:       days.Empty,
		DaysFailed:      days.Failed,
	}
}
