package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
)

// PurgeBulk deletes jobs that ended longer than kept ago, with their days and
// e-mail outcomes; events as old that are not pending, with their attempts, and
// pending ones so old that no workflow can still be delivering them; and quotas
// of past days.
func (b *BulkExports) PurgeBulk(ctx context.Context, kept time.Duration) error {
	return b.inTx(ctx, "purge bulk exports", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `with purged as (
				delete from satchel.jobs where ended_at < clock_timestamp() - $1 * interval '1 microsecond' returning id)
			delete from satchel.emails where subject in (select id from purged)`, kept.Microseconds()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `delete from satchel.events
			where at < clock_timestamp() - $1 * interval '1 microsecond'
			and (status <> $2 or at < clock_timestamp() - ($1 + $3) * interval '1 microsecond')`,
			kept.Microseconds(), schema.EventPending, (2 * schema.WebhookRetryWindow).Microseconds()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `delete from satchel.bulk_quota where day < (clock_timestamp() at time zone 'UTC')::date`)
		return err
	})
}
