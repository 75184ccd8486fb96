package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/schema"
)

// Export is what an account export begins with.
type Export struct {
	ID          string
	Account     string
	RequestedBy string // user ID, or "" where the account's own credentials asked
	RequestedAt time.Time
	Windows     schema.Windows
	Categories  []schema.Category // to be read, in archive order; all where there are none
}

// AccountExport carries one account's export from request to removal. It
// stays open until the file is gone and the cooldown has passed, so that its
// workflow ID is what keeps exports one at a time and a day apart.
func AccountExport(ctx workflow.Context, in Export) error {
	e := begin(in)
	if err := e.open(ctx); err != nil { // row is pending
		return err
	}
	return e.settle(ctx, e.run(ctx))
}

// run is the promise to the customer, from the request to the end of the file.
func (e *accountExport) run(ctx workflow.Context) schema.Ending {
	if ending := e.awaitConfirmation(ctx); ending != nil {
		return *ending
	}
	if ending := e.make(ctx); ending != nil { // row is confirmed, processing, completed
		return *ending
	}
	return e.handOut(ctx)
}

// The ways an export ends besides failing.
var (
	unconfirmed  = schema.Ending{Status: schema.Expired, Reason: schema.Unconfirmed}
	windowPassed = schema.Ending{Status: schema.Expired, Reason: schema.WindowPassed}
	deleted      = schema.Ending{Status: schema.Expired, Reason: schema.Deleted}
	cancelled    = schema.Ending{Status: schema.Cancelled, Reason: schema.CancelledReason}
)

// awaitConfirmation mails the link, again if asked to, and answers nil when
// somebody confirmed.
func (e *accountExport) awaitConfirmation(ctx workflow.Context) *schema.Ending {
	closes := e.RequestedAt.Add(e.Windows.Confirm)
	for generation := 1; e.hear(ctx, Cancelled) == ""; generation++ {
		e.mail(ctx, activities.RequestMail, generation, closes)
		heard, err := e.await(ctx, closes, "confirmation window", Cancelled, Confirmed, MailLost)
		switch {
		case err != nil || heard == Cancelled:
			return &cancelled
		case heard == Confirmed:
			return nil
		case heard != MailLost:
			return &unconfirmed
		}
	}
	return &cancelled
}

// make produces the archive, and answers nil when it is ready. Whoever cancels
// before that gets what they want, whatever the work has come to meanwhile.
func (e *accountExport) make(ctx workflow.Context) *schema.Ending {
	working, stop := workflow.WithCancel(ctx)
	workflow.GoNamed(ctx, "cancelled", func(ctx workflow.Context) {
		if e.listen(ctx, never, Cancelled) == Cancelled {
			stop()
		}
	})
	culprit, err := e.produce(working)
	switch {
	case working.Err() != nil || e.hear(ctx, Cancelled) == Cancelled:
		return &cancelled
	case err != nil:
		return &schema.Ending{Status: schema.Failed, Reason: schema.FailedReason(culprit), Category: culprit}
	}
	return nil
}

// produce collects, assembles and verifies. An error is the fault of the
// category that comes with it, or of the archive where there is none.
func (e *accountExport) produce(ctx workflow.Context) (culprit schema.Category, err error) {
	if err := e.confirm(ctx); err != nil {
		return "", err
	}
	if culprit, err := e.collect(ctx); err != nil {
		return culprit, err
	}
	archive, err := e.assemble(ctx)
	if err != nil {
		return "", err
	}
	e.ready, err = e.complete(ctx, archive)
	return "", err
}

// collect reads all categories at once and names the one that failed.
// It returns only when none of them is being written any more.
func (e *accountExport) collect(ctx workflow.Context) (culprit schema.Category, failure error) {
	e.tell(ctx, schema.Processing, fmt.Sprintf("Reading %d categories.", len(e.Categories)))
	ctx, stop := workflow.WithCancel(ctx)
	all := workflow.NewSelector(ctx)
	for _, c := range e.Categories {
		all.AddFuture(e.collectCategory(ctx, c), func(f workflow.Future) {
			if err := f.Get(ctx, nil); err != nil && failure == nil {
				culprit, failure = c, err
				stop() // one failure stops the rest
			}
		})
	}
	for range e.Categories {
		all.Select(ctx)
	}
	return culprit, failure
}

// handOut mails the download link and waits until the window is over or
// somebody deletes the file. Trouble with the mail delays neither.
func (e *accountExport) handOut(ctx workflow.Context) schema.Ending {
	e.tell(ctx, schema.Completed, "The archive can be downloaded until "+e.ready.ExpiresAt.UTC().Format(time.RFC3339)+".")
	if e.hear(ctx, Removed) != "" && !e.dropEarly() {
		return deleted
	}
	waiting, stop := workflow.WithCancel(ctx)
	e.mail(waiting, activities.ReadyMail, 1, e.ready.ExpiresAt)
	heard, err := e.await(waiting, e.ready.ExpiresAt, "download window", Removed)
	stop()
	if heard == Removed || err != nil { // an operator who cancels the run means the file, too
		return deleted
	}
	return windowPassed
}

// settle removes whatever was written, says how the export ended, and keeps
// the run open until the next export may be asked for.
func (e *accountExport) settle(ctx workflow.Context, ending schema.Ending) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled run cleans up all the same
	if err := e.remove(ctx, ending); err != nil {
		return err
	}
	if ending == windowPassed && !workflow.Now(ctx).Before(e.ready.AvailableAgainAt) {
		workflow.SetCurrentDetails(ctx, e.lastWords(ending))
		return nil // it closes now, and is searched for no more: one billable action less for nearly every export
	}
	e.tell(ctx, ending.Status, e.lastWords(ending))
	switch {
	case ending.Status == schema.Failed:
		return e.post(ctx, activities.FailedMail)
	case ending == unconfirmed:
		return e.post(ctx, activities.LapsedMail)
	case ending.Status == schema.Expired:
		_, err := e.await(ctx, e.ready.AvailableAgainAt, "cooldown")
		return err
	}
	return nil
}
