package api

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/workflows/accountexport"
)

// A confirmation mail may be asked for again so often in a window.
const (
	resends      = 3
	resendWindow = time.Hour
)

// ResendConfirmation has the confirmation mail sent again, with a new link,
// while nobody has confirmed yet.
func (a *API) ResendConfirmation(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	return a.give(ctx, p, id, order{
		signal: accountexport.ResendConfirmation,
		check: func(e schema.Export) (done bool, err error) {
			if e.Status != schema.Pending {
				err = conflict("not_pending", "Only an export that waits for its confirmation can have the mail sent again. This one is %s.", e.Status)
			}
			return false, err
		},
		before: func(e schema.Export) error {
			wait, err := a.store.AuditWithin(ctx, store.Event{Account: e.Account, Subject: e.ID, Actor: by(p), Action: store.MailLost}, resends, resendWindow)
			if err == nil && wait > 0 {
				err = limited("too_many_mails", wait, "The mail was sent again often enough. Please look for it, or wait a while.")
			}
			return err
		},
	})
}

// Resends says how often the confirmation mail may be sent again now, where it
// was before at the given times, oldest first, and, where it may not, when.
func Resends(before []time.Time, now time.Time) (left int, again time.Time) {
	for len(before) > 0 && !before[0].After(now.Add(-resendWindow)) {
		before = before[1:]
	}
	if left = resends - len(before); left > 0 {
		return left, time.Time{}
	}
	return 0, before[-left].Add(resendWindow)
}

// Cancel stops an export before it is completed. Cancelling it again changes
// nothing.
func (a *API) Cancel(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	return a.give(ctx, p, id, order{
		signal: accountexport.Cancelled,
		check: func(e schema.Export) (done bool, err error) {
			switch {
			case e.Status == schema.Completed:
				err = conflict("already_completed", "This export is completed. Delete it to remove its file before its time.")
			case e.Status.Ended() && e.Status != schema.Cancelled:
				err = conflict("already_ended", "This export has ended: it is %s.", e.Status)
			}
			return e.Status == schema.Cancelled, err
		},
	})
}

// Delete removes a completed export's file before its time; the cooldown
// stays. Deleting what is gone changes nothing.
func (a *API) Delete(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	return a.give(ctx, p, id, order{
		signal: accountexport.Removed,
		check: func(e schema.Export) (done bool, err error) {
			switch {
			case e.Status.Cancellable():
				err = conflict("not_completed", "This export is not completed. Cancel it to stop it and to remove what it has written.")
			case e.Status == schema.Failed || e.Status == schema.Cancelled:
				err = conflict("not_completed", "This export is %s and has no file: nothing of it is left.", e.Status)
			}
			return e.Status == schema.Expired, err
		},
	})
}

// order is what somebody wants of an export's run. check says whether it can
// be had at all, or is so already; before is done once the run is known to
// listen.
type order struct {
	signal accountexport.Signal
	check  func(schema.Export) (done bool, err error)
	before func(schema.Export) error // may be nil
}

// give tells an export's run what somebody wants. Where no run is open, the
// export has ended this moment, or its run was lost.
func (a *API) give(ctx context.Context, p auth.Principal, id string, o order) (schema.Export, error) {
	for attempt := 1; ; attempt++ {
		e, err := a.Get(ctx, p, id)
		if err != nil {
			return schema.Export{}, err
		}
		if done, err := o.check(e); err != nil || done {
			return e, err
		}
		if told, err := a.tell(ctx, e, o, by(p)); err != nil || told {
			return e, err
		}
		if attempt == 2 {
			return schema.Export{}, interrupted(e)
		}
	}
}

// tell answers false where the export's own run is not open.
func (a *API) tell(ctx context.Context, e schema.Export, o order, by string) (told bool, err error) {
	run, open, err := a.openRun(ctx, e.Account, patience)
	if err != nil || !open || run.Export != e.ID {
		return false, err
	}
	if o.before != nil {
		if err := o.before(e); err != nil {
			return false, err
		}
	}
	return a.signal(ctx, e, o.signal, by)
}

// interrupted is said of an export whose run was lost. There is nobody to
// tell; the sweep will remove it and say how it ended.
func interrupted(e schema.Export) error {
	if e.Status == schema.Completed {
		return conflict("interrupted", "This export was interrupted on our side and cannot be deleted early. Its file will be removed when its time is over.")
	}
	return conflict("interrupted", "This export was interrupted on our side. It will not be completed, and what it has written will be removed. You can ask for a new one.")
}

func conflict(code, format string, args ...any) error {
	return schema.Errorf(schema.Conflict, code, format, args...)
}

func limited(code string, wait time.Duration, message string) error {
	err := schema.Errorf(schema.Limited, code, "%s", message)
	err.RetryAfter = wait
	return err
}
