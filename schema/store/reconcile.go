package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// DestroyExpiredKeys deletes the keys of all exports whose download window is over by
// the database's clock, and of those that have ended, and returns how many there were.
// From then on their objects cannot be read, wherever copies may be.
func (a *AccountExports) DestroyExpiredKeys(ctx context.Context) (int, error) {
	done, err := a.pool.ExecContext(ctx, `delete from satchel.export_keys k using satchel.exports e where e.id = k.export_id
		and (e.status = `+sqlText(schema.Completed)+` and e.expires_at <= statement_timestamp() or e.status in `+endedStatuses+`)`)
	if err != nil {
		return 0, sqlstate.Wrap("destroy keys of expired exports", err)
	}
	n, err := done.RowsAffected()
	return int(n), sqlstate.Wrap("destroy keys of expired exports", err)
}

// ExportStates reads what the database knows of exports, by ID. An export is removed
// if its removal was certified longer than grace ago.
func (a *AccountExports) ExportStates(ctx context.Context, ids []string, grace time.Duration) (map[string]schema.ExportState, error) {
	var rows []struct {
		ID string `db:"id"`
		schema.ExportState
	}
	err := a.pool.SelectContext(ctx, &rows, `select e.id, e.status,
			coalesce(r.certified_at < statement_timestamp() - $2 * interval '1 microsecond', false) as removed
		from satchel.exports e left join satchel.removals r on r.export_id = e.id where e.id = any($1)`, pq.Array(ids), grace.Microseconds())
	states := make(map[string]schema.ExportState, len(rows))
	for _, r := range rows {
		states[r.ID] = r.ExportState
	}
	return states, sqlstate.Wrap("read states of exports", err)
}

// StoredExports lists IDs of completed exports whose file can be downloaded, in order,
// after the given one.
func (a *AccountExports) StoredExports(ctx context.Context, after string, limit int) ([]string, error) {
	ids := []string{}
	err := a.pool.SelectContext(ctx, &ids, `select id from satchel.exports
		where status = `+sqlText(schema.Completed)+` and expires_at > statement_timestamp() and id > $1
		and exists (select from satchel.export_keys where export_id = id) order by id limit $2`, after, limit)
	return ids, sqlstate.Wrap("list stored exports", err)
}

// ExpireMissing ends a completed export whose objects are gone, with an audit row.
// Any other stays as it is.
func (a *AccountExports) ExpireMissing(ctx context.Context, export string) error {
	ending := schema.Ending{Status: schema.Expired, Reason: schema.ReasonDeleted}
	var completed struct {
		Account string `db:"account_sid"`
	}
	err := a.inTx(ctx, "expire export", func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &completed, `select account_sid from satchel.exports where id = $1 and status = $2 for update`, export, schema.Completed)
		if err != nil {
			return err
		}
		if _, err := beginRemoval(ctx, tx, export, ending, schema.ActorSatchel); err != nil {
			return err
		}
		return audit(ctx, tx, AuditEvent{
			Account: completed.Account, Subject: export, Actor: schema.ActorSatchel, Action: ActionReconciled,
			Details: map[string]any{"database": schema.Completed, "objects": 0},
		})
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.EndExport(ctx, export, ending, schema.ActorSatchel, schema.Certificate{})
}

// StoredDayFiles lists IDs of day files that can be read, in order, after the given one.
func (b *BulkExports) StoredDayFiles(ctx context.Context, after string, limit int) ([]string, error) {
	ids := []string{}
	err := b.pool.SelectContext(ctx, &ids, `select id from satchel.day_files
		where wrapped is not null and expires_at > statement_timestamp() and id > $1 order by id limit $2`, after, limit)
	return ids, sqlstate.Wrap("list stored day files", err)
}

// DeleteMissingDayFile deletes the row of a day file whose object is gone, with audit
// rows. It can then be requested again.
func (b *BulkExports) DeleteMissingDayFile(ctx context.Context, file string) error {
	return b.inTx(ctx, "delete missing day file", func(tx *sqlx.Tx) error {
		var account string
		err := tx.GetContext(ctx, &account, `delete from satchel.day_files where id = $1 returning account_sid`, file)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, AuditEvent{
			Account: account, Subject: file, Actor: schema.ActorSatchel, Action: ActionReconciled, Details: map[string]any{"objects": 0},
		})
	})
}

// RecordOrphan writes an audit row about objects that were removed because no row
// keeps them. Which account they belonged to may not be known any more.
func (db *DB) RecordOrphan(ctx context.Context, id string, removed schema.Certificate) error {
	return db.Audit(ctx, AuditEvent{Subject: id, Actor: schema.ActorSatchel, Action: ActionReconciled, Details: removed})
}

// RecordReconciled writes an audit row about an export of which the database and Temporal
// knew different things. status is "" if the database does not have the export.
func (a *AccountExports) RecordReconciled(ctx context.Context, account, export string, status, runStatus schema.Status) error {
	return a.Audit(ctx, AuditEvent{
		Account: account, Subject: export, Actor: schema.ActorSatchel, Action: ActionReconciled,
		Details: map[string]any{"database": status, "run": runStatus},
	})
}
