package bulk

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/server/auth"
)

// Quota is how many days the account's family asked for today, how many it may,
// and when the next UTC day begins.
func (b *Bulk) Quota(ctx context.Context, p auth.Principal) (used, limit int, resetsAt time.Time, err error) {
	now, err := b.Store.Now(ctx)
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	family, err := b.family(ctx, p.Account)
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	used, err = b.Store.QuotaUsed(ctx, family)
	return used, b.Limits.QuotaDays, schema.DayOf(now).Plus(1).Begins(), err
}
