package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Queue returns the position of an unfinished job; it is zero for one that has
// ended. A position never grows: it counts the earlier jobs that still have a
// day that was never begun, which can only become fewer. A day that waits for
// its next attempt delays only its own job.
func (b *BulkExports) Queue(ctx context.Context, job string) (schema.QueueStatus, error) {
	queues, err := b.Queues(ctx, []string{job})
	return queues[job], err
}

// Queues returns the positions of many jobs, without those that have ended.
//
// The estimate is the average duration of the latest hundred days that were
// written, with schema.JobDaysAtOnce written at a time. Days are begun in order,
// so the first one not begun gives the number of waiting days without counting
// rows: there may be very many, and this is called often. A job of which none was
// begun has all its days before it, and nothing is read for it but its row.
func (b *BulkExports) Queues(ctx context.Context, jobs []string) (map[string]schema.QueueStatus, error) {
	queues := make(map[string]schema.QueueStatus, len(jobs))
	if len(jobs) == 0 {
		return queues, nil
	}
	var rows []struct {
		Job      string    `db:"id"`
		Position int       `db:"position"`
		Estimate time.Time `db:"estimate"`
	}
	err := b.pool.SelectContext(ctx, &rows, `with average as (
			select greatest(coalesce(avg(seconds), 2), 0.1)::float8 as seconds, clock_timestamp() as now from (
				select extract(epoch from ended_at - started_at) as seconds from satchel.job_days
				where `+written+` order by ended_at desc limit 100) latest
		), unfinished as (
			select id, created_at, deleting_at is not null as deleting,
				case when `+untouched+` then end_day - start_day + 1 else coalesce(end_day - first + 1, 0) end as fresh,
				coalesce(begun, 0) as begun, coalesce(retrying, 0) as retrying
			from satchel.jobs j
			left join lateral (select day as first from satchel.job_days where not (`+untouched+`) and job_id = id and `+fresh+` order by day limit 1) f on true
			left join (select job_id, count(*) as begun, count(*) filter (where status = $2) as retrying
				from satchel.job_days where `+begun+` group by job_id) b on b.job_id = id
			where j.ended_at is null
		), queue as (
			select id, fresh + retrying > 0 as waits, sum(fresh + begun) over (order by created_at, id) as days,
				count(*) filter (where fresh > 0 and not deleting)
					over (order by created_at, id rows between unbounded preceding and 1 preceding) as ahead
			from unfinished)
		select id, case when waits then ahead + 1 else 0 end as position,
			now + days * seconds / $3 * interval '1 second' as estimate
		from queue, average where id = any($1)`, pq.Array(jobs), schema.DayErrorDuringRun, schema.JobDaysAtOnce)
	for _, r := range rows {
		queues[r.Job] = schema.QueueStatus{Position: r.Position, EstimatedEnd: r.Estimate}
	}
	return queues, sqlstate.Wrap("read queue", err)
}

// Predicates of jobs whose days all wait, and of days that were never begun, that were begun and have not ended,
// and that were written. Each has a partial index with the same predicate.
var (
	untouched = `begun_at is null and deleting_at is null`

	fresh   = `status = ` + sqlText(schema.DaySubmitted)
	begun   = `ended_at is null and status <> ` + sqlText(schema.DaySubmitted)
	written = `status in ` + sqlList([]schema.DayStatus{schema.DayCompleted, schema.DayCompletedEmpty})
)
