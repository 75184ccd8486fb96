package activities

import (
	"context"
	"slices"
	"time"

	"satchel/activities/mail"
	"satchel/schema"
)

// A bulk job was created, and its last day has ended.
const (
	JobRequestedMail MailKind = "job-requested" // to the account's owners and admins
	JobEndedMail     MailKind = "job-ended"     // to the address that its maker gave
)

// jobAddress stands, in the names of letters, for whoever reads at the address
// of a job: it may be nobody the platform knows.
const jobAddress = "job-email"

// JobMail is what SendJobMail is told.
type JobMail struct {
	Job       string
	Account   string
	Kind      MailKind
	Retention time.Duration // how long day files are kept
}

// SendJobMail writes to everybody the occasion concerns: of a new job to the
// owners and admins who have not unsubscribed, even if it is to be deleted: they
// are to hear of whoever asks in their name. Of one that ended it writes to its
// address, unless it is to be deleted. Running it again sends nothing twice.
func (a *Activities) SendJobMail(ctx context.Context, in JobMail) error {
	defer beat(ctx)()
	return verdict(ctx, a.sendJobMail(ctx, in))
}

func (a *Activities) sendJobMail(ctx context.Context, in JobMail) error {
	job, err := a.Bulk.Job(ctx, in.Job)
	if schema.KindOf(err) == schema.NotFound {
		return nil // it is forgotten
	}
	if err != nil {
		return err
	}
	account, err := a.account(ctx, job.Account)
	if err != nil {
		return err
	}
	data := a.aboutJob(job, account, in.Retention)
	switch {
	case in.Kind == JobRequestedMail:
		people, err := a.wanting(ctx, job.Account)
		if err != nil {
			return err
		}
		return a.sendEach(ctx, job.ID, a.notices(job, people, data))
	case in.Kind == JobEndedMail && job.EndedAt != nil && job.DeletingAt == nil && job.Email != "":
		return a.sendEach(ctx, job.ID, []letter{endedLetter(job, data)})
	}
	return nil
}

// endedLetter goes to the address of a job, at its end.
func endedLetter(job schema.Job, data mail.Data) letter {
	return letter{mail.JobEnded, 1, schema.Person{ID: jobAddress, Email: job.Email}, data}
}

// wanting are the account's owners and admins who want to hear of jobs.
func (a *Activities) wanting(ctx context.Context, account string) ([]schema.Person, error) {
	people, err := a.Source.People(ctx, account)
	if err != nil {
		return nil, err
	}
	people = slices.DeleteFunc(slices.Clone(people), func(p schema.Person) bool { return !p.Role.MayExport() })
	if len(people) == 0 {
		return nil, unseen("The source database shows no owner or admin of the account.")
	}
	users := make([]string, len(people))
	for i, p := range people {
		users[i] = p.ID
	}
	unsubscribed, err := a.Bulk.Unsubscribed(ctx, users)
	return slices.DeleteFunc(people, func(p schema.Person) bool { return unsubscribed[p.ID] }), err
}

func (a *Activities) notices(job schema.Job, to []schema.Person, data mail.Data) (letters []letter) {
	for _, person := range to {
		l := letter{mail.JobRequested, 1, person, data}
		l.data.Asker = asker(job.RequestedBy, person)
		if schema.IsUserID(person.ID) { // a link can name no other; a company's own directory may have them
			l.data.UnsubscribeLink = a.Site.Unsubscribe(a.Links.Token(schema.ToUnsubscribe, person.ID, 1))
		}
		letters = append(letters, l)
	}
	return letters
}

// aboutJob gathers what letters say of a job. Its files are made one after the
// other, the first of them not before it was created: so long each of them is
// there.
func (a *Activities) aboutJob(job schema.Job, account schema.Account, retention time.Duration) mail.Data {
	var days schema.Result
	for _, d := range job.Days {
		days.Add(d.Status)
	}
	return mail.Data{
		AccountName: account.Name,
		AccountID:   job.Account,
		JobID:       job.ID,
		JobName:     job.Name,
		Asker:       mail.Somebody,
		PageLink:    a.Site.BulkExport(),
		RequestedAt: job.CreatedAt,
		ExpiresAt:   job.CreatedAt.Add(retention),
		Retention:   retention,
		Type:        job.Type,
		Start:       job.Start,
		End:         job.End,
		Written:     days.Completed,
		Empty:       days.Empty,
		Missing:     days.Failed,
	}
}
