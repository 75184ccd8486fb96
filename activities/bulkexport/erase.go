package bulkexport

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
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
//
// They are recorded in the bucket first, so that a database that is restored to an
// earlier time learns of every erasure that was answered.
func (a *Activities) EraseCalls(ctx context.Context, in EraseCallsInput) (Rejection, error) {
	if a.Archive == nil {
		rejection, err := splitRejection(schema.Errorf(schema.Forbidden, schema.CodeNoArchive,
			"Calls cannot be erased here: this service has no archive of old calls configured."))
		return rejection, activities.ToApplicationError(ctx, err)
	}
	if err := a.record(ctx, in); err != nil {
		return Rejection{}, activities.ToApplicationError(ctx, err) // if they were recorded nevertheless, the sweep does the rest
	}
	calls, days := make([]string, len(in.Calls)), make([]schema.Day, len(in.Calls))
	for i, c := range in.Calls {
		calls[i], days[i] = c.Call, c.Day
	}
	rebuilds := a.requestRebuilds(ctx, in.Account, days)
	return Rejection{}, activities.ToApplicationError(ctx, errors.Join(rebuilds, a.Archive.EraseCalls(ctx, in.Account, calls)))
}

// callsPerRecord keeps a record below the 4 KiB that can be encrypted with the
// deployment's key.
const callsPerRecord = 30

func (a *Activities) record(ctx context.Context, in EraseCallsInput) error {
	now, err := a.Store.Now(ctx)
	if err != nil {
		return err
	}
	for calls := range slices.Chunk(in.Calls, callsPerRecord) {
		record := schema.ErasureRecord{Account: in.Account, By: in.By, At: now, Calls: calls}
		text, err := json.Marshal(record)
		if err != nil {
			return err
		}
		if err := a.Vault.PutRecord(ctx, schema.ErasureObject(now, rand.Text()), text); err != nil {
			return err
		}
		if _, err := a.Store.EraseCalls(ctx, record); err != nil {
			return err
		}
	}
	return nil
}

// settledAfter is how old an erasure must be so that no older one can still arrive: the
// key of an erasure is older than its object, and the clock can step back.
const settledAfter = time.Hour

// ReplayErasures records erasures that the bucket has and the database has not, since
// it was restored to an earlier time, and returns how many calls were added. One that
// cannot be read does not stop the others; it is the error, and is tried again by the
// next call. Those that are settled are not read again, so that an account that was
// erased from the database since does not come back.
func (a *Activities) ReplayErasures(ctx context.Context) (added int, err error) {
	defer activities.Heartbeat(ctx)()
	added, err = LoadErasures(ctx, a)
	return added, activities.ToApplicationError(ctx, err)
}

// LoadErasures is ReplayErasures outside of an activity.
func LoadErasures(ctx context.Context, a *Activities) (added int, err error) {
	last, err := a.Store.ErasureLogPosition(ctx)
	if err != nil {
		return 0, err
	}
	now, err := a.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	reached, unsettled := last, schema.ErasureObject(now.Add(-settledAfter), "")
	var unreadable error
	for key, err := range a.Vault.KeysAfter(ctx, schema.ErasuresPrefix, last) {
		if err != nil {
			return added, err
		}
		record, err := a.readErasure(ctx, key)
		switch {
		case schema.KindOf(err) == schema.Unavailable, ctx.Err() != nil:
			return added, err
		case err != nil:
			unreadable = errors.Join(unreadable, fmt.Errorf("erasure %s: %w", key, err))
			continue
		}
		n, err := a.Store.EraseCalls(ctx, record)
		if err != nil {
			return added, err
		}
		if added += n; unreadable == nil && key < unsettled {
			reached = max(reached, key)
		}
	}
	if reached > last {
		if err := a.Store.AdvanceErasureLog(ctx, reached); err != nil {
			return added, err
		}
	}
	return added, unreadable
}

func (a *Activities) readErasure(ctx context.Context, key string) (r schema.ErasureRecord, err error) {
	text, err := a.Vault.GetRecord(ctx, key)
	if err == nil && json.Unmarshal(text, &r) != nil {
		err = errors.New("it is not valid JSON") // without its cause, which could quote it
	}
	return r, err
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
	eraseAccounts = 100              // looked at together
	erasePage     = 500              // calls of one account that are deleted together
	eraseTimeout  = 10 * time.Second // of deleting them, where the archive does not answer
	eraseBudget   = 5 * time.Minute  // of one sweep; the next one continues
)

// EraseArchivedCalls deletes erased calls from the platform's archive that were not
// there yet when they were erased, or that it did not delete then. In turns of
// erasePage calls each account gets its share; one whose calls cannot be deleted
// waits behind the others.
func (a *Activities) EraseArchivedCalls(ctx context.Context) error {
	defer activities.Heartbeat(ctx)()
	if a.Archive == nil {
		return nil
	}
	return activities.ToApplicationError(ctx, a.eraseDue(ctx))
}

func (a *Activities) eraseDue(ctx context.Context) (failed error) {
	for began := time.Now(); time.Since(began) < eraseBudget; {
		due, err := a.Store.DueErasures(ctx, eraseAccounts, erasePage)
		if err != nil || len(due) == 0 {
			return errors.Join(failed, err)
		}
		for _, e := range due {
			err := a.eraseArchived(ctx, e)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				logError(ctx, "erased calls not deleted from the archive", e.Account, err)
				if failed = err; a.Store.RecordErasureFailed(ctx, e.Account) != nil {
					return failed
				}
			}
			if time.Since(began) >= eraseBudget {
				break
			}
		}
	}
	return failed
}

func (a *Activities) eraseArchived(ctx context.Context, e schema.Erasures) error {
	ctx, cancel := context.WithTimeout(ctx, eraseTimeout)
	defer cancel()
	if err := a.Archive.EraseCalls(ctx, e.Account, e.Calls); err != nil {
		return err
	}
	return a.Store.RecordErased(ctx, e)
}
