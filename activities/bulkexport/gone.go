package bulkexport

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"

	"satchel/activities"
	"satchel/schema"
)

// FindCallInFileInput is the input of FindCallInFile.
type FindCallInFileInput struct {
	Account string
	schema.Erasure
}

// FindCallInFile returns a rejection unless the file of the call's day holds the call.
// A whole file may have to be read for it, so one search of an
// account and its subaccounts runs at a time.
func (a *Activities) FindCallInFile(ctx context.Context, in FindCallInFileInput) (Rejection, error) {
	release, ok := a.searchSlots.take(a.ownerOf(ctx, in.Account), 1)
	if !ok {
		return Rejection{}, activities.ToApplicationError(ctx, noSearchSlot())
	}
	defer release()
	defer activities.Heartbeat(ctx)()
	found := false
	file, err := a.Store.DayFile(ctx, in.Account, schema.Calls, in.Day)
	if err == nil {
		err = a.eachCall(ctx, file.ID, func(call string) { found = found || call == in.Call })
	}
	if err == nil && !found || schema.KindOf(err) == schema.NotFound {
		err = schema.Errorf(schema.NotFound, schema.CodeCallNotFound, "There is no such call.")
	}
	rejection, err := splitRejection(err)
	return rejection, activities.ToApplicationError(ctx, err)
}

// checkBudget is how long one sweep checks day files; the next one continues.
const checkBudget = 5 * time.Minute

// CheckDayFiles looks in files of calls for calls that the platform no longer shows,
// because it has deleted them or their personal data. It requests the rebuild of such
// files, and returns how many there were. One that cannot be checked does not stop the
// others.
func (a *Activities) CheckDayFiles(ctx context.Context) (outdated int, err error) {
	defer activities.Heartbeat(ctx)()
	outdated, err = a.checkDayFiles(ctx)
	return outdated, activities.ToApplicationError(ctx, err)
}

func (a *Activities) checkDayFiles(ctx context.Context) (outdated int, err error) {
	for began := time.Now(); time.Since(began) < checkBudget; {
		files, err := a.Store.UncheckedDayFiles(ctx, schema.CheckDayFilesEvery, activities.SweepPage)
		if err != nil || len(files) == 0 {
			return outdated, err
		}
		for _, file := range files {
			gone, err := a.hasGoneCalls(ctx, file)
			if ctx.Err() != nil {
				return outdated, ctx.Err()
			}
			if err != nil {
				logError(ctx, "day file not checked", file.ID, err)
			}
			if err := a.Store.RecordDayFileChecked(ctx, file.ID, gone); err != nil {
				return outdated, err
			}
			if !gone {
				continue
			}
			outdated++
			if err := a.Runs.RequestRebuild(ctx, file.Account, file.Day); err != nil {
				return outdated, err
			}
		}
	}
	return outdated, nil
}

// hasGoneCalls reports whether a file has a call that the platform would not show if
// the day was read now.
func (a *Activities) hasGoneCalls(ctx context.Context, file schema.DayFile) (gone bool, err error) {
	if _, err := activities.VisibleAccount(ctx, a.Source, file.Account); err != nil {
		return false, err // without it an account that is not visible would look empty
	}
	seed := maphash.MakeSeed()
	var shown []uint64
	err = a.Source.ReadDay(ctx, schema.Calls, file.Account, file.Day, nil, func(rows schema.RecordReader) error {
		for record := []byte(nil); ; {
			var err error
			if record, err = rows.AppendRow(record[:0]); errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			call, err := callOf(record)
			if err != nil {
				return err
			}
			shown = append(shown, maphash.String(seed, call))
		}
	})
	if err != nil {
		return false, err
	}
	slices.Sort(shown)
	err = a.eachCall(ctx, file.ID, func(call string) {
		if _, found := slices.BinarySearch(shown, maphash.String(seed, call)); !found {
			gone = true
		}
	})
	if schema.KindOf(err) == schema.NotFound { // it was replaced meanwhile
		return false, nil
	}
	return gone && err == nil, err
}

// eachCall reads a file of calls to its end.
func (a *Activities) eachCall(ctx context.Context, id string, do func(call string)) error {
	file, wrapped, err := a.Store.OpenDayFile(ctx, id)
	if err != nil {
		return err
	}
	opener, err := a.Vault.Unlock(ctx, wrapped, file.Account, file.ID)
	if err != nil {
		return err
	}
	object, err := opener.Open(ctx, schema.DayFileObject(file.ID))
	if err != nil {
		return err
	}
	defer object.Close() //nolint:errcheck // it was read to its end, or the error is known
	text, err := gzip.NewReader(object)
	if err != nil {
		return fmt.Errorf("read day file: %w", err)
	}
	lines := bufio.NewReader(text)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read day file: %w", err)
		}
		call, err := callOf(line)
		if err != nil {
			return err
		}
		do(call)
	}
}

// callPrefix is how every record of a call begins: its SID is the first of the keys.
var callPrefix = []byte(`{"sid":`)

// callOf returns the SID of a call's record.
func callOf(record []byte) (call string, err error) {
	rest, ok := bytes.CutPrefix(record, callPrefix)
	if !ok {
		return "", errors.New("a record of a call does not begin with its SID")
	}
	err = json.NewDecoder(bytes.NewReader(rest)).Decode(&call)
	if err != nil {
		return "", errors.New("the SID of a call is not a string") // without its cause, which could quote it
	}
	return call, nil
}
