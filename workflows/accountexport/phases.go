package accountexport

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"satchel/activities"
	"satchel/activities/accountexport"
	"satchel/schema"
)

// awaitConfirmation e-mails the confirmation link, sends it again on request, and
// returns nil once an owner or admin has confirmed.
func (r *run) awaitConfirmation(ctx workflow.Context) *schema.Ending {
	closes := r.RequestedAt.Add(r.Windows.Confirm)
	for linkVersion := 1; r.receiveSignal(ctx, Cancelled) == ""; linkVersion++ {
		r.sendEmail(ctx, accountexport.RequestEmail, linkVersion, closes)
		signal, err := r.waitInConfirmWindow(ctx, closes)
		switch {
		case err != nil || signal == Cancelled:
			return &cancelled
		case signal == Confirmed:
			return nil
		case signal != ResendConfirmation:
			return &unconfirmed
		}
	}
	return &cancelled
}

// waitInConfirmWindow waits for a signal, or returns "" once the window has closed by the
// database's clock: the server accepts confirmations until then, whatever Temporal's
// clock says.
func (r *run) waitInConfirmWindow(ctx workflow.Context, closes time.Time) (Signal, error) {
	for {
		signal, err := r.waitForSignal(ctx, closes, "confirmation window", Cancelled, Confirmed, ResendConfirmation)
		if signal != "" || err != nil {
			return signal, err
		}
		left, err := r.confirmWindowLeft(ctx)
		if err != nil {
			return "", err
		}
		if signal := r.receiveSignal(ctx, Cancelled, Confirmed, ResendConfirmation); signal != "" || left <= 0 {
			return signal, nil
		}
		closes = workflow.Now(ctx).Add(left)
	}
}

// build makes the archive and returns nil when it is complete. If the Cancelled signal
// arrives before the result of the last activity, the export is cancelled, whether that
// activity succeeded or failed.
func (r *run) build(ctx workflow.Context) *schema.Ending {
	building, stop := workflow.WithCancel(ctx)
	workflow.GoNamed(ctx, "cancelled", func(ctx workflow.Context) {
		if r.awaitSignal(ctx, never, Cancelled) == Cancelled {
			stop()
		}
	})
	failedCategory, err := r.collectAndAssemble(building)
	switch {
	case building.Err() != nil || r.receiveSignal(ctx, Cancelled) == Cancelled:
		return &cancelled
	case err != nil:
		return &schema.Ending{Status: schema.Failed, Reason: schema.ReasonFailed(failedCategory), Category: failedCategory}
	}
	return nil
}

// collectAndAssemble collects, assembles and verifies. With an error it returns the
// category that could not be collected, or "" if a later step failed.
func (r *run) collectAndAssemble(ctx workflow.Context) (failedCategory schema.Category, err error) {
	if err := r.confirm(ctx); err != nil {
		return "", err
	}
	if failedCategory, err := r.collect(ctx); err != nil {
		return failedCategory, err
	}
	err = r.assembleAndVerify(ctx)
	damaged, found := activities.Damaged(err)
	if !found {
		return "", err
	}
	return r.repair(ctx, damaged)
}

func (r *run) assembleAndVerify(ctx workflow.Context) error {
	archive, err := r.assemble(ctx)
	if err != nil {
		return err
	}
	r.completed, err = r.complete(ctx, archive)
	return err
}

// repair makes again what storage has damaged: a category from the damaged piece on, if
// it was one, and then the archive. An export is repaired once; what is damaged after
// that fails it. The category that could not be collected is returned with the error.
func (r *run) repair(ctx workflow.Context, damaged activities.DamagedObject) (failedCategory schema.Category, err error) {
	workflow.GetLogger(ctx).Warn("a stored object is damaged, and is made again", "export", r.ID, "category", damaged.Category, "object", damaged.ObjectKey)
	r.repaired = true
	if damaged.Category != "" {
		if err := r.collectCategory(ctx, damaged.Category, damaged.ObjectKey).Get(ctx, nil); err != nil {
			return damaged.Category, err
		}
	}
	return "", r.assembleAndVerify(ctx)
}

// collect collects all categories concurrently and returns the first that failed. It
// returns only after every collection has stopped writing.
func (r *run) collect(ctx workflow.Context) (failedCategory schema.Category, failure error) {
	r.publishStatus(ctx, schema.Processing, fmt.Sprintf("Collecting %d categories.", len(r.Categories)))
	ctx, stop := workflow.WithCancel(ctx)
	all := workflow.NewSelector(ctx)
	for _, c := range r.Categories {
		all.AddFuture(r.collectCategory(ctx, c, ""), func(f workflow.Future) {
			if err := f.Get(ctx, nil); err != nil && failure == nil {
				failedCategory, failure = failedIn(c, err), err
				stop() // the export fails anyway
			}
		})
	}
	for range r.Categories {
		all.Select(ctx)
	}
	return failedCategory, failure
}

// failedIn returns the category that an error is about: none if storage, and not the
// source, was the trouble.
func failedIn(c schema.Category, err error) schema.Category {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok && failure.Type() == activities.StorageErrorType {
		return ""
	}
	return c
}

// serveUntilExpiry e-mails the download link and waits until the download window
// closes or the archive is deleted on request. Failing e-mails delay neither.
func (r *run) serveUntilExpiry(ctx workflow.Context) schema.Ending {
	r.publishStatus(ctx, schema.Completed, "The archive can be downloaded until "+r.completed.ExpiresAt.UTC().Format(time.RFC3339)+".")
	if r.receiveSignal(ctx, Removed) != "" && !r.discardEarlyRemoval() {
		return deleted
	}
	waiting, stop := workflow.WithCancel(ctx)
	r.sendEmail(waiting, accountexport.ReadyEmail, 1, r.completed.ExpiresAt)
	signal, err := r.waitForSignal(waiting, r.completed.ExpiresAt, "download window", Removed)
	stop()
	if signal == Removed || err != nil { // cancelling the run deletes the archive, too
		return deleted
	}
	return windowPassed
}

// finish removes everything that was stored, publishes how the export ended, and keeps
// the run open until the next export may be requested.
func (r *run) finish(ctx workflow.Context, ending schema.Ending) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled run removes everything, too
	if err := r.remove(ctx, ending); err != nil {
		return err
	}
	if ending == windowPassed && !workflow.Now(ctx).Before(r.completed.AvailableAgainAt) {
		workflow.SetCurrentDetails(ctx, r.finalDetails(ending))
		return nil // the run closes now; not updating its search attributes saves one billable action for most exports
	}
	r.publishStatus(ctx, ending.Status, r.finalDetails(ending))
	switch {
	case ending.Status == schema.Failed:
		return r.startEmail(ctx, accountexport.FailedEmail)
	case ending == unconfirmed:
		return r.startEmail(ctx, accountexport.UnconfirmedEmail)
	case ending.Status == schema.Expired:
		_, err := r.waitForSignal(ctx, r.completed.AvailableAgainAt, "cooldown")
		return err
	}
	return nil
}
