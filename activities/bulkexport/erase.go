package bulkexport

import (
	"context"
	"errors"
	"slices"
	"time"

	"satchel/activities"
	"satchel/schema"
)

// EraseCallsInput is the input of EraseCalls.
type EraseCallsInput struct {
	Account string
	By      string
	Calls   []schema.Erasure
}

// EraseCalls records calls as erased, so that no new file has them, requests the
// rebuild of files that do, and deletes the calls from the platform's archive.
// Where no archive is configured it does nothing. What was recorded and could not be
// finished is finished by the sweep.
func (a *Activities) EraseCalls(ctx context.Context, in EraseCallsInput) (Rejection, error) {
	if a.Archive == nil {
		rejection, err := splitRejection(schema.Errorf(schema.Forbidden, schema.CodeNoArchive,
			"Calls cannot be erased here: this service has no archive of old calls configured."))
		return rejection, activities.ToApplicationError(ctx, err)
	}
	if err := a.Store.EraseCalls(ctx, in.Account, in.By, in.Calls); err != nil {
		return Rejection{}, activities.ToApplicationError(ctx, err) // if they were recorded nevertheless, the sweep does the rest
	}
	calls, days := make([]string, len(in.Calls)), make([]schema.Day, len(in.Calls))
	for i, c := range in.Calls {
		calls[i], days[i] = c.Call, c.Day
	}
	rebuilds := a.requestRebuilds(ctx, in.Account, days)
	return Rejection{}, activities.ToApplicationError(ctx, errors.Join(rebuilds, a.Archive.EraseCalls(ctx, in.Account, calls)))
}

// requestRebuilds requests the rebuild of those files that need it.
func (a *Activities) requestRebuilds(ctx context.Context, account string, days []schema.Day) error {
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		outdated, err := a.Store.IsDayFileOutdated(ctx, account, day)
		if err == nil && outdated {
			err = a.Runs.RequestRebuild(ctx, account, day)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// RequestRebuilds requests the rebuild of every outdated file, in case an earlier request
// was lost, and returns how many there were.
func (a *Activities) RequestRebuilds(ctx context.Context) (requested int, err error) {
	defer activities.Heartbeat(ctx)()
	for after := ""; ; {
		outdated, err := a.Store.OutdatedDayFiles(ctx, after, activities.SweepPage)
		if err != nil || len(outdated) == 0 {
			return requested, activities.ToApplicationError(ctx, err)
		}
		for _, file := range outdated {
			after = file.ID
			if err := a.Runs.RequestRebuild(ctx, file.Account, file.Day); err != nil {
				return requested, activities.ToApplicationError(ctx, err)
			}
			requested++
		}
	}
}

const (
	erasePage    = 500
	erasePages   = 10          // of one sweep; the next one continues
	eraseTimeout = time.Minute // of one attempt, where the archive does not answer
)

// EraseArchivedCalls deletes erased calls from the platform's archive that were not
// there yet when they were erased, or that it did not delete then.
func (a *Activities) EraseArchivedCalls(ctx context.Context) error {
	defer activities.Heartbeat(ctx)()
	if a.Archive == nil {
		return nil
	}
	erasing, cancel := context.WithTimeout(ctx, eraseTimeout)
	defer cancel()
	return activities.ToApplicationError(ctx, a.eraseDue(erasing))
}

func (a *Activities) eraseDue(ctx context.Context) error {
	for range erasePages {
		due, err := a.Store.DueErasures(ctx, erasePage)
		if err != nil || len(due) == 0 {
			return err
		}
		var failed error // for one account does not stop the others
		for _, e := range due {
			err := a.Archive.EraseCalls(ctx, e.Account, e.Calls)
			if err == nil {
				err = a.Store.RecordErased(ctx, e)
			}
			failed = errors.Join(failed, err)
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}
