package store

import (
	"context"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// BeginDay moves a day that waits, or was begun before, to Running. It returns
// false if the day has ended or is to be deleted.
func (b *BulkExports) BeginDay(ctx context.Context, job string, day schema.Day) (bool, error) {
	if err := b.beginJob(ctx, job); err != nil {
		return false, err
	}
	done, err := b.pool.ExecContext(ctx, `update satchel.job_days set status = $3, started_at = clock_timestamp()
		where job_id = $1 and day = $2 and status in ($3, $4, $5)`,
		job, day, schema.DayRunning, schema.DaySubmitted, schema.DayErrorDuringRun)
	if err != nil {
		return false, sqlstate.Wrap("begin day", err)
	}
	n, err := done.RowsAffected()
	return n > 0, sqlstate.Wrap("begin day", err)
}

// beginJob records that days of the job may have been begun, for the queue. It is
// called before a day changes, and not in the same transaction: those that stop a job
// lock its row first.
func (b *BulkExports) beginJob(ctx context.Context, job string) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.jobs set begun_at = clock_timestamp() where id = $1 and begun_at is null`, job)
	return sqlstate.Wrap("begin job", err)
}

// MarkDayRetrying moves a running day to ErrorDuringRun, between two attempts. Any
// other stays as it is.
func (b *BulkExports) MarkDayRetrying(ctx context.Context, job string, day schema.Day) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.job_days set status = $4
		where job_id = $1 and day = $2 and status = $3`, job, day, schema.DayRunning, schema.DayErrorDuringRun)
	return sqlstate.Wrap("mark day retrying", err)
}

// MarkDayFailed moves a day that has not ended to Failed, or to Deleted if it is to be
// deleted.
func (b *BulkExports) MarkDayFailed(ctx context.Context, job string, day schema.Day) error {
	if err := b.beginJob(ctx, job); err != nil {
		return err
	}
	_, err := b.pool.ExecContext(ctx, `update satchel.job_days
		set status = case when status = $3 then $4 else $5 end, ended_at = clock_timestamp()
		where job_id = $1 and day = $2 and ended_at is null`,
		job, day, schema.DayRunningToBeDeleted, schema.DayDeleted, schema.DayFailed)
	return sqlstate.Wrap("mark day failed", err)
}
