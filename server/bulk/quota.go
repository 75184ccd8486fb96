package bulk

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/server/auth"
)

// Quota returns how many days the account, its parent and its siblings requested today, how
// many they may request, and when the next UTC day begins.
func (b *Bulk) Quota(ctx context.Context, p auth.Principal) (used, limit int, resetsAt time.Time, err error) {
	now, err := b.Store.Now(ctx)
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	quotaAccount, err := b.quotaAccount(ctx, p.Account)
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	used, err = b.Store.QuotaUsed(ctx, quotaAccount)
	return used, b.Limits.QuotaDays, schema.DayOf(now).Plus(1).Begins(), err
}
