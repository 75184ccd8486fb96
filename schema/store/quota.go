package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// QuotaUsed counts the days that an account and its subaccounts have requested
// in this UTC day, by the database's clock.
func (b *BulkExports) QuotaUsed(ctx context.Context, quotaAccount string) (int, error) {
	var days int
	err := b.pool.GetContext(ctx, &days, `select coalesce(sum(days), 0) from satchel.bulk_quota
		where account_sid = $1 and day = (statement_timestamp() at time zone 'UTC')::date`, quotaAccount)
	return days, sqlstate.Wrap("read quota", err)
}

// takeQuota takes days from today's quota. If it is too small the error is
// Limited until the next UTC midnight.
func takeQuota(ctx context.Context, tx *sqlx.Tx, quotaAccount string, days, limit int) error {
	var today struct {
		Day  string `db:"day"`
		Left int64  `db:"seconds_left"`
	}
	if err := tx.GetContext(ctx, &today, `select to_char(now, 'YYYY-MM-DD') as day,
			ceil(extract(epoch from date_trunc('day', now) + interval '1 day' - now))::bigint as seconds_left
		from (select clock_timestamp() at time zone 'UTC' as now) t`); err != nil {
		return err
	}
	taken, err := tx.ExecContext(ctx, `insert into satchel.bulk_quota as q (account_sid, day, days)
		select $1, $2, $3 where $3::int <= $4::int
		on conflict (account_sid, day) do update set days = q.days + excluded.days
		where q.days + excluded.days <= $4::int`, quotaAccount, today.Day, days, limit)
	if err != nil {
		return err
	}
	if n, err := taken.RowsAffected(); err != nil || n > 0 {
		return err
	}
	var used int
	if err := tx.GetContext(ctx, &used, `select coalesce(sum(days), 0) from satchel.bulk_quota
		where account_sid = $1 and day = $2`, quotaAccount, today.Day); err != nil {
		return err
	}
	e := quotaExceeded(days, max(0, limit-used), limit)
	e.RetryAfter = time.Duration(today.Left) * time.Second
	return e
}

func quotaExceeded(days, left, limit int) *schema.Error {
	verb := "are"
	if left == 1 {
		verb = "is"
	}
	return schema.Errorf(schema.Limited, schema.CodeQuota,
		"The job requests %s, but only %d of the %s that an account and its subaccounts can request per UTC day %s left today.",
		schema.Plural(int64(days), "day"), left, schema.Plural(int64(limit), "day"), verb)
}
