package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Overdue lists exports that may have lost their run: completed ones whose
// window passed longer than grace ago, unended ones that were asked for longer
// ago than that, those whose removal has begun longer ago and is not through,
// and ended ones whose key is still there. after is the ID to go on behind.
func (s *Store) Overdue(ctx context.Context, grace time.Duration, after string, limit int) ([]schema.Overdue, error) {
	list := []schema.Overdue{}
	err := s.db.SelectContext(ctx, &list, `with late as (select clock_timestamp() - $1 * interval '1 microsecond' as time),
		found as (
			select id, true as left_to_run from satchel.exports, late
				where status in ('pending', 'confirmed', 'processing') and requested_at < late.time
			union all
			select id, false from satchel.exports, late where status = 'completed' and expires_at < late.time
			union all
			select export_id, true from satchel.removals, late where certified_at is null and begun_at < late.time
			union all
			select id, false from satchel.export_keys k join satchel.exports on id = k.export_id
				where status in ('expired', 'failed', 'cancelled'))
		select `+exportColumns+`, left_to_run from satchel.exports
		join (select id, bool_and(left_to_run) as left_to_run from found where id > $2 group by id) f using (id)
		order by id limit $3`, grace.Microseconds(), after, limit)
	return list, sqlstate.Wrap("find overdue exports", err)
}

// Unended tells which of the given exports have not ended, or have and are
// still to be removed: objects of any other belong to nobody.
func (s *Store) Unended(ctx context.Context, ids []string) (map[string]bool, error) {
	alive := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return alive, nil
	}
	query, args, err := sqlx.In(`select id from satchel.exports where id in (?)
		and (status not in ('expired', 'failed', 'cancelled')
			or exists (select from satchel.export_keys where export_id = id)
			or exists (select from satchel.removals where export_id = id and certified_at is null))`, ids)
	if err != nil {
		return nil, sqlstate.Wrap("find unended exports", err)
	}
	var found []string
	if err := s.db.SelectContext(ctx, &found, s.db.Rebind(query), args...); err != nil {
		return nil, sqlstate.Wrap("find unended exports", err)
	}
	for _, id := range found {
		alive[id] = true
	}
	return alive, nil
}

// Standing is what the metrics tell of all exports.
type Standing struct {
	Count  map[schema.Status]int64 // of what has ended, within the last day
	Oldest time.Duration           // age of the oldest that is neither completed nor ended
}

// Standing counts exports by status.
func (s *Store) Standing(ctx context.Context) (Standing, error) {
	var rows []struct {
		Status schema.Status `db:"status"`
		Count  int64         `db:"count"`
		Oldest float64       `db:"oldest"`
	}
	err := s.db.SelectContext(ctx, &rows, `select status, count(*) as count,
		extract(epoch from clock_timestamp() - min(requested_at))::float8 as oldest
		from satchel.exports where status in ('pending', 'confirmed', 'processing', 'completed')
			or status in ('expired', 'failed', 'cancelled') and ended_at > clock_timestamp() - interval '1 day'
		group by status`)
	standing := Standing{Count: make(map[schema.Status]int64, len(schema.Statuses))}
	for _, r := range rows {
		standing.Count[r.Status] = r.Count
		if age := time.Duration(r.Oldest * float64(time.Second)); r.Status.Cancellable() && age > standing.Oldest {
			standing.Oldest = age
		}
	}
	return standing, sqlstate.Wrap("count exports", err)
}
