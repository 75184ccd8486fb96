package api

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/server/limit"
	"satchel/workflows/accountexport"
)

// How often the confirmation mail may be sent again within a window.
const (
	maxResends   = 3
	resendWindow = time.Hour
)

// ResendConfirmation sends the confirmation mail again, with a new link, while
// the export is pending.
func (a *API) ResendConfirmation(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	return a.sendCommand(ctx, p, id, command{
		signal: accountexport.ResendConfirmation,
		check: func(e schema.Export) (done bool, err error) {
			if e.Status != schema.Pending {
				err = conflict(schema.CodeNotPending, "The email can be sent again only while the export is pending. This export is %s.", e.Status)
			}
			return false, err
		},
		before: func(e schema.Export) error {
			wait, err := a.store.AuditWithinLimit(ctx, store.AuditEvent{Account: e.Account, Subject: e.ID, Actor: p.Actor(), Action: store.ActionResendRequested}, maxResends, resendWindow)
			if err == nil && wait > 0 {
				err = limit.Refuse(limit.ConfirmationEmails, schema.CodeTooManyEmails, wait, "The email has been sent again too often. Please check your spam folder, or try again later.")
			}
			return err
		},
	})
}

// Resends returns how often the confirmation mail may be sent again now, after
// it was sent again at the given times, oldest first. Where that is 0, it also
// returns when it may be sent again.
func Resends(before []time.Time, now time.Time) (left int, again time.Time) {
	for len(before) > 0 && !before[0].After(now.Add(-resendWindow)) {
		before = before[1:]
	}
	if left = maxResends - len(before); left > 0 {
		return left, time.Time{}
	}
	return 0, before[-left].Add(resendWindow)
}

// Cancel stops an export before it is completed. Cancelling it again changes
// nothing.
func (a *API) Cancel(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	return a.sendCommand(ctx, p, id, command{
		signal: accountexport.Cancelled,
		check: func(e schema.Export) (done bool, err error) {
			switch {
			case e.Status == schema.Completed:
				err = conflict(schema.CodeAlreadyCompleted, "This export is completed. Delete it to remove its file early.")
			case e.Status.Ended() && e.Status != schema.Cancelled:
				err = conflict(schema.CodeAlreadyEnded, "This export has already ended. It is %s.", e.Status)
			}
			return e.Status == schema.Cancelled, err
		},
	})
}

// Delete removes a completed export's file before its time. The cooldown stays.
// Deleting it again changes nothing.
func (a *API) Delete(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	return a.sendCommand(ctx, p, id, command{
		signal: accountexport.Removed,
		check: func(e schema.Export) (done bool, err error) {
			switch {
			case e.Status.Cancellable():
				err = conflict(schema.CodeNotCompleted, "This export is not completed. Cancel it to stop it and to delete what it has written.")
			case e.Status == schema.Failed || e.Status == schema.Cancelled:
				err = conflict(schema.CodeNotCompleted, "This export is %s. It has no file, and none of its data was kept.", e.Status)
			}
			return e.Status == schema.Expired, err
		},
	})
}

// Confirm starts an export that waits for its confirmation, while its window is
// open by the database's clock. Confirming it again changes nothing. The page
// checks that the person has the mailed link.
func (a *API) Confirm(ctx context.Context, p auth.Principal, id string) (schema.Export, error) {
	return a.sendCommand(ctx, p, id, command{
		signal: accountexport.Confirmed,
		check: func(e schema.Export) (done bool, err error) {
			switch {
			case e.Status == schema.Cancelled:
				err = schema.Errorf(schema.Gone, schema.CodeCancelled, "This export was stopped. You can request a new one.")
			case e.Status.Ended():
				err = schema.Errorf(schema.Gone, schema.CodeAlreadyEnded, "This export has ended. You can request a new one.")
			case e.Status == schema.Pending:
				err = a.checkConfirmWindow(ctx, e)
			}
			return e.Status != schema.Pending, err
		},
	})
}

// checkConfirmWindow returns an error where the export's confirmation window is
// over by the database's clock, even if no worker was up to end the export.
func (a *API) checkConfirmWindow(ctx context.Context, e schema.Export) error {
	now, err := a.store.Now(ctx)
	if err == nil && !now.Before(e.ConfirmBy) {
		err = schema.Errorf(schema.Gone, schema.CodeLapsed, "This export was not confirmed in time. You can request a new one.")
	}
	return err
}

// command is a signal to an export's run. check returns an error where the
// export's status does not allow it, and done where nothing is left to do;
// before, if not nil, is called once the run is known to be open.
type command struct {
	signal accountexport.Signal
	check  func(schema.Export) (done bool, err error)
	before func(schema.Export) error
}

// sendCommand sends a command to an export's run. Where no run is open, the
// export has just ended, which reading it again shows, or its run was lost.
func (a *API) sendCommand(ctx context.Context, p auth.Principal, id string, cmd command) (schema.Export, error) {
	for attempt := 1; ; attempt++ {
		e, err := a.Get(ctx, p, id)
		if err != nil {
			return schema.Export{}, err
		}
		if done, err := cmd.check(e); err != nil || done {
			return e, err
		}
		if sent, err := a.trySend(ctx, e, cmd, p.Actor()); err != nil || sent {
			return e, err
		}
		if attempt == 2 {
			return schema.Export{}, interrupted(e)
		}
	}
}

// trySend returns false where the export's own run is not open.
func (a *API) trySend(ctx context.Context, e schema.Export, cmd command, actor string) (sent bool, err error) {
	run, open, err := a.openRun(ctx, e.Account, temporalTimeout)
	if err != nil || !open || run.Export != e.ID {
		return false, err
	}
	if cmd.before != nil {
		if err := cmd.before(e); err != nil {
			return false, err
		}
	}
	return a.signal(ctx, e, cmd.signal, actor)
}

// interrupted is the error for an export whose run was lost. The sweep will
// remove the export and record how it ended.
func interrupted(e schema.Export) error {
	if e.Status == schema.Completed {
		return conflict(schema.CodeInterrupted, "This export was interrupted on our side and cannot be deleted early. Its file will be deleted when the download period is over.")
	}
	return conflict(schema.CodeInterrupted, "This export was interrupted on our side. It will not be completed, and what it has written will be deleted. You can request a new one.")
}

func conflict(code, format string, args ...any) error {
	return schema.Errorf(schema.Conflict, code, format, args...)
}
