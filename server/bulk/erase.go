package bulk

import (
	"context"
	"regexp"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/client"
)

var callID = regexp.MustCompile(`^CA[0-9a-fA-F]{32}$`)

// EraseCall erases a call of the caller's account, created on the given UTC
// day, from the archive, and answers once no new file will contain it. Erasing
// it again makes up for what a first time that failed has left.
func (b *Bulk) EraseCall(ctx context.Context, p auth.Principal, date, call string) error {
	day, err := dayOf("Date", date)
	if err != nil {
		return err
	}
	if !callID.MatchString(call) {
		return invalid("Sid", "Sid %q is not CA and 32 hexadecimal digits.", shortened(call))
	}
	created, erased, err := b.Store.ErasedCall(ctx, p.Account, call)
	if err == nil && !erased {
		created, err = b.Directory.CallDay(ctx, p.Account, call)
	}
	switch {
	case err != nil:
		return err
	case created != day:
		return schema.Errorf(schema.NotFound, "call_of_another_day", "The call is not of the UTC day %s but of another.", day)
	}
	// One that was noted before may have been noted alone, and the rest was not to be had then.
	return client.EraseCall(ctx, b.Temporal, p.Account, by(p), schema.Erasure{Call: call, Day: day})
}
