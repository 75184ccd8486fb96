package store

import (
	"context"

	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// FollowedExport is an export, and a revision that changes with whatever is shown of
// it besides: its audit trail, the outcome of its e-mails, and whether its deadline has
// passed.
type FollowedExport struct {
	schema.Export
	Revision string `db:"revision"`
}

// exportActions are the actions in the audit trail of an export.
var exportActions = []Action{ActionRequested, ActionResendRequested, ActionConfirmed, ActionDownloaded, ActionRemoved}

// FollowedExports reads many exports at once, by ID. Those without a row are missing.
func (a *AccountExports) FollowedExports(ctx context.Context, ids []string) (map[string]FollowedExport, error) {
	var rows []FollowedExport
	err := a.pool.SelectContext(ctx, &rows, `select `+exportColumns+`, concat_ws('/',
			(select max(last.at) from unnest($2::text[]) act cross join lateral ( -- the index has the latest of each action
				select at from satchel.audit where subject = e.id and action = act order by at desc limit 1) last),
			(select count(*) filter (where sent) || '.' || count(*) from satchel.emails where subject = e.id),
			coalesce(expires_at, confirm_by) <= statement_timestamp(), link_version) as revision
		from satchel.exports e where id = any($1)`, pq.Array(ids), pq.Array(exportActions))
	if err != nil {
		return nil, sqlstate.Wrap("read followed exports", err)
	}
	list := make([]schema.Export, len(rows))
	for i, r := range rows {
		list[i] = r.Export
	}
	if err := a.withCategories(ctx, list); err != nil {
		return nil, err
	}
	followed := make(map[string]FollowedExport, len(rows))
	for i, r := range rows {
		r.Export = list[i]
		followed[r.ID] = r
	}
	return followed, nil
}
