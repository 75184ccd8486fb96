package bulk

import (
	"context"
	"regexp"
	"time"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/limit"
	"satchel/workflows/client"
)

var callSIDPattern = regexp.MustCompile(`^CA[0-9a-fA-F]{32}$`)

// maxErasures of one account and its subaccounts may be under way, so that they delay
// those of others by less than a second.
const maxErasures = 64

// EraseCall erases a call of the caller's account, created on the given UTC day, from the
// archive. It returns once no new file will contain the call. Calling it again completes what
// a failed attempt left undone. A call whose record the platform has deleted can be erased as
// long as the file of its day holds it.
func (b *Bulk) EraseCall(ctx context.Context, p auth.Principal, date, call string) error {
	day, err := parseDay("Date", date)
	if err != nil {
		return err
	}
	if !callSIDPattern.MatchString(call) {
		return invalid("Sid", "Sid %q is not “CA” followed by 32 hexadecimal digits.", truncate(call))
	}
	created, erased, err := b.Store.ErasedCall(ctx, p.Account, call)
	if err == nil && !erased {
		created, err = b.Directory.CallDay(ctx, p.Account, call)
	}
	gone := schema.KindOf(err) == schema.NotFound
	if gone {
		if _, fileErr := b.Store.DayFile(ctx, p.Account, schema.Calls, day); fileErr == nil {
			created, err = day, nil
		} else if schema.KindOf(fileErr) != schema.NotFound {
			err = fileErr
		}
	}
	switch {
	case err != nil:
		return err
	case created != day:
		return schema.Errorf(schema.NotFound, schema.CodeCallOfAnotherDay, "The call was not created on the UTC day %s but on another day.", day)
	}
	owner, err := b.quotaAccount(ctx, p.Account)
	if err != nil {
		return err
	}
	end, ok := b.erasing.Begin(owner)
	if !ok {
		return limit.Refuse(limit.Erasures, schema.CodeTooManyErasures, 2*time.Second,
			"Too many calls of this account are being erased at once. Please erase them one after the other.")
	}
	defer end()
	// A call recorded as erased is erased again: the attempt that recorded it may have failed
	// before it reached the archive and the day file.
	return client.EraseCall(ctx, b.Temporal, p.Account, p.Actor(), schema.Erasure{Call: call, Day: day}, gone)
}
