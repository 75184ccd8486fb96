package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Overdue lists exports that may have lost their workflow, in order of ID, after
// the given one: completed ones whose window closed longer than grace ago,
// pending ones whose time to be confirmed ended longer ago than that, those that
// were confirmed longer ago, those whose removal began longer ago and has no
// certificate, and ended ones whose key still exists.
func (a *AccountExports) Overdue(ctx context.Context, grace time.Duration, after string, limit int) ([]schema.OverdueExport, error) {
	list := []schema.OverdueExport{}
	err := a.pool.SelectContext(ctx, &list, `with late as (select statement_timestamp() - $1 * interval '1 microsecond' as time),
		found as (
			select id, true as handled_by_workflow from satchel.exports, late
				where status = `+sqlText(schema.Pending)+` and confirm_by < late.time
			union all
			select id, true from satchel.exports, late
				where status in `+inProgressStatuses+` and confirmed_at < late.time
			union all
			select id, false from satchel.exports, late where status = `+sqlText(schema.Completed)+` and expires_at < late.time
			union all
			select export_id, true from satchel.removals, late where certified_at is null and begun_at < late.time
			union all
			select id, false from satchel.export_keys k join satchel.exports on id = k.export_id
				where status in `+endedStatuses+`)
		select `+exportColumns+`, handled_by_workflow from satchel.exports
		join (select id, bool_and(handled_by_workflow) as handled_by_workflow from found where id > $2 group by id) f using (id)
		order by id limit $3`, grace.Microseconds(), after, limit)
	return list, sqlstate.Wrap("find overdue exports", err)
}

// ActiveIDs returns which of the given exports have not ended, or have and are
// still to be removed. Objects of any other are orphans.
func (a *AccountExports) ActiveIDs(ctx context.Context, ids []string) (map[string]bool, error) {
	active := make(map[string]bool, len(ids))
	if len(ids) == 0 {
		return active, nil
	}
	query, args, err := sqlx.In(`select id from satchel.exports where id in (?)
		and (status not in `+endedStatuses+`
			or exists (select from satchel.export_keys where export_id = id)
			or exists (select from satchel.removals where export_id = id and certified_at is null))`, ids)
	if err != nil {
		return nil, sqlstate.Wrap("find active exports", err)
	}
	var found []string
	if err := a.pool.SelectContext(ctx, &found, a.pool.Rebind(query), args...); err != nil {
		return nil, sqlstate.Wrap("find active exports", err)
	}
	for _, id := range found {
		active[id] = true
	}
	return active, nil
}
