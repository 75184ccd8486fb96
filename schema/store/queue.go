package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Queue tells where an unfinished job stands; the zero Queue is of one that
// has ended. A position never grows: it counts the jobs that were asked for
// earlier and still have a day that was never begun, which can only become
// fewer. A day that waits to be tried again holds up nobody but its own job.
func (s *Store) Queue(ctx context.Context, job string) (schema.Queue, error) {
	queues, err := s.Queues(ctx, []string{job})
	return queues[job], err
}

// Queues tells it of many jobs at once, and leaves out those that have ended.
//
// The estimate goes by how long the latest hundred days took that were
// written, and by four days at a time. Days are begun in their order, so the
// first that was not tells how many wait, and nobody who asks counts the days of
// all jobs: there may be very many, and people ask often.
func (s *Store) Queues(ctx context.Context, jobs []string) (map[string]schema.Queue, error) {
	queues := make(map[string]schema.Queue, len(jobs))
	if len(jobs) == 0 {
		return queues, nil
	}
	var rows []struct {
		Job      string    `db:"id"`
		Position int       `db:"position"`
		Estimate time.Time `db:"estimate"`
	}
	err := s.db.SelectContext(ctx, &rows, `with pace as (
			select greatest(coalesce(avg(seconds), 2), 0.1)::float8 as seconds, clock_timestamp() as now from (
				select extract(epoch from ended_at - started_at) as seconds from satchel.job_days
				where `+written+` order by ended_at desc limit 100) latest
		), standing as (
			select id, created_at, deleting_at is not null as deleting, coalesce(end_day - first + 1, 0) as fresh,
				coalesce(begun, 0) as begun, coalesce(troubled, 0) as troubled
			from satchel.jobs j
			left join lateral (select day as first from satchel.job_days where job_id = id and `+fresh+` order by day limit 1) f on true
			left join (select job_id, count(*) as begun, count(*) filter (where status = $2) as troubled
				from satchel.job_days where `+begun+` group by job_id) b on b.job_id = id
			where j.ended_at is null
		), line as (
			select id, fresh + troubled > 0 as waits, sum(fresh + begun) over (order by created_at, id) as days,
				count(*) filter (where fresh > 0 and not deleting)
					over (order by created_at, id rows between unbounded preceding and 1 preceding) as ahead
			from standing)
		select id, case when waits then ahead + 1 else 0 end as position,
			now + days * seconds / 4 * interval '1 second' as estimate
		from line, pace where id = any($1)`, pq.Array(jobs), schema.DayErrorDuringRun)
	for _, r := range rows {
		queues[r.Job] = schema.Queue{Position: r.Position, Estimate: r.Estimate}
	}
	return queues, sqlstate.Wrap("read queue", err)
}

// What is true of days that nobody has begun, that were begun and have not
// ended, and that were written. Each has an index of just those days, which is
// found only by the very words of its migration.
const (
	fresh   = `status = '` + string(schema.DaySubmitted) + `'`
	begun   = `ended_at is null and status <> '` + string(schema.DaySubmitted) + `'`
	written = `status in ('` + string(schema.DayCompleted) + `', '` + string(schema.DayCompletedEmpty) + `')`
)
