package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
)

// PublishDayFile makes a file the current one of its account, type and day and, with
// a job, moves the job's day to Completed or CompletedEmptyRecords, in one
// transaction. It returns the ID of the file whose object is now obsolete: the
// one that f replaces, if any, or f itself if it is not published, because the
// day of its job does not run any more, or because it is a rebuild and the file
// to be replaced is gone. It returns schema.ErrStaleAttempt if calls of the day were
// erased since f was read, or if that was so long ago that the sweep may have
// deleted its object. Run again with the file that is published it changes
// nothing.
func (b *BulkExports) PublishDayFile(ctx context.Context, f schema.NewDayFile) (obsolete string, err error) {
	err = b.inTx(ctx, "publish day file", func(tx *sqlx.Tx) error {
		if err := lockErasures(ctx, tx, f.Account, f.Day); err != nil {
			return err
		}
		// Files of a type become visible in the order of seq, so a reader after one of them has missed none before.
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock(hashtextextended('day files ' || $1 || $2, 0))`, f.Account, string(f.Type)); err != nil {
			return err
		}
		var old struct {
			ID       string `db:"id"`
			Readable bool   `db:"readable"`
		}
		err := tx.GetContext(ctx, &old, `select id, `+readable+` as readable from satchel.day_files
			where account_sid = $1 and resource_type = $2 and day = $3 for update`, f.Account, f.Type, f.Day)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if old.ID == f.ID {
			return nil
		}
		obsolete = f.ID
		if f.Rebuild && !old.Readable {
			return nil
		}
		if f.Job != "" {
			if running, err := completeDay(ctx, tx, f); err != nil || !running {
				return err
			}
		}
		if err := checkErasures(ctx, tx, f); err != nil {
			return err
		}
		if err := checkPublishWindow(ctx, tx, f); err != nil {
			return err
		}
		obsolete = old.ID
		return upsertDayFile(ctx, tx, f)
	})
	if err != nil {
		return "", err
	}
	return obsolete, nil
}

// checkErasures fails unless the file leaves out every erased call of its day.
func checkErasures(ctx context.Context, tx *sqlx.Tx, f schema.NewDayFile) error {
	if f.Type != schema.Calls {
		return nil
	}
	var holds bool
	err := tx.GetContext(ctx, &holds, `select exists (select from satchel.erased_calls
		where account_sid = $1 and day = $2 and call_sid <> all ($3))`, f.Account, f.Day, pq.Array(append([]string{}, f.Erased...)))
	if err == nil && holds {
		err = schema.ErrStaleAttempt
	}
	return err
}

// checkPublishWindow fails for the file of a worker that was suspended: the
// sweep deletes objects without a row, once they are twice as old as this.
func checkPublishWindow(ctx context.Context, tx *sqlx.Tx, f schema.NewDayFile) error {
	within := schema.PublishWithin
	if f.PublishWithin > 0 {
		within = min(within, f.PublishWithin)
	}
	var fresh bool
	err := tx.GetContext(ctx, &fresh, `select clock_timestamp() < $1::timestamptz + $2 * interval '1 microsecond'`, f.ReadAt, within.Microseconds())
	if err == nil && !fresh {
		err = schema.ErrStaleAttempt
	}
	return err
}

// completeDay ends the job's day, and returns false if it does not run. One in
// ErrorDuringRun does run: the error is that of an earlier attempt.
func completeDay(ctx context.Context, tx *sqlx.Tx, f schema.NewDayFile) (bool, error) {
	status := schema.DayCompleted
	if f.Records == 0 {
		status = schema.DayCompletedEmpty
	}
	done, err := tx.ExecContext(ctx, `update satchel.job_days set status = $4, records = $5, ended_at = clock_timestamp()
		where job_id = $1 and day = $2 and status in ($3, $6)`, f.Job, f.Day, schema.DayRunning, status, f.Records, schema.DayErrorDuringRun)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

func upsertDayFile(ctx context.Context, tx *sqlx.Tx, f schema.NewDayFile) error {
	_, err := tx.ExecContext(ctx, `insert into satchel.day_files as old
			(account_sid, resource_type, day, id, job_id, friendly_name, wrapped, records, size, sha256, created_at, expires_at)
		select $1, $2, $3, $4, $5, coalesce((select friendly_name from satchel.jobs where id = $5), ''),
			$6, $7, $8, $9, now, now + $10 * interval '1 microsecond'
		from (select clock_timestamp() as now) t
		on conflict (account_sid, resource_type, day) do update set
			id = excluded.id, seq = default, wrapped = excluded.wrapped,
			records = excluded.records, size = excluded.size, sha256 = excluded.sha256, created_at = excluded.created_at,
			outdated_since = null, checked_at = excluded.created_at,
			job_id = case when $11 then old.job_id else excluded.job_id end,
			friendly_name = case when $11 then old.friendly_name else excluded.friendly_name end,
			expires_at = case when $11 then old.expires_at else excluded.expires_at end`,
		f.Account, f.Type, f.Day, f.ID, f.Job, f.Wrapped, f.Records, f.Size, f.SHA256, f.Retention.Microseconds(), f.Rebuild)
	return err
}
