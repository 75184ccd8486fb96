package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
)

// AuditWithin adds a line to the audit trail, unless the subject has as many
// lines of this action within the window as the limit allows: then it adds
// nothing and answers how long to wait. Of calls at the same time no more get
// through than the limit allows.
func (s *Store) AuditWithin(ctx context.Context, e Event, limit int, window time.Duration) (wait time.Duration, err error) {
	err = s.inTx(ctx, "write audit", func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, "audit "+e.Subject); err != nil {
			return err
		}
		var microseconds int64
		err := tx.GetContext(ctx, &microseconds, `select ceil(extract(epoch from at - clock_timestamp()) * 1000000)::bigint + $3
			from satchel.audit where subject = $1 and action = $2
			and at > clock_timestamp() - $3 * interval '1 microsecond'
			order by at desc limit 1 offset $4`, e.Subject, e.Action, window.Microseconds(), limit-1)
		if errors.Is(err, sql.ErrNoRows) {
			return audit(ctx, tx, e)
		}
		wait = time.Duration(microseconds) * time.Microsecond
		return err
	})
	return wait, err
}
