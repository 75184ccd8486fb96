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
// written, and by four days at a time.
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
				where ended_at is not null and status in ($4, $5) order by ended_at desc limit 100) latest
		), standing as (
			select id, created_at, deleting_at is not null as deleting,
				count(*) filter (where status = $2) as fresh,
				count(*) filter (where status in ($2, $3)) as waiting,
				count(*) filter (where d.ended_at is null) as unended
			from satchel.jobs j join satchel.job_days d on job_id = id where j.ended_at is null group by id
		), line as (
			select id, waiting, sum(unended) over (order by created_at, id) as days,
				count(*) filter (where fresh > 0 and not deleting)
					over (order by created_at, id rows between unbounded preceding and 1 preceding) as ahead
			from standing)
		select id, case when waiting > 0 then ahead + 1 else 0 end as position,
			now + days * seconds / 4 * interval '1 second' as estimate
		from line, pace where id = any($1)`, pq.Array(jobs),
		schema.DaySubmitted, schema.DayErrorDuringRun, schema.DayCompleted, schema.DayCompletedEmpty)
	for _, r := range rows {
		queues[r.Job] = schema.Queue{Position: r.Position, Estimate: r.Estimate}
	}
	return queues, sqlstate.Wrap("read queue", err)
}
