package activities

import (
	"context"
	"errors"
	"time"
)

// Occasions to write about a bulk job.
const (
	JobRequestedMail MailKind = "job-requested" // to the account's owners and admins
	JobEndedMail     MailKind = "job-ended"     // to the address that its maker gave
)

// JobMail is what SendJobMail is told.
type JobMail struct {
	Job       string
	Account   string
	Kind      MailKind
	Retention time.Duration // how long day files are kept
}

// SendJobMail writes to everybody the occasion concerns.
func (a *Activities) SendJobMail(ctx context.Context, in JobMail) error {
	return verdict(ctx, errors.New("not written yet"))
}
