package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// BeginRemoval destroys the export's key: from then on its objects cannot be
// read, wherever copies may be. It also records how the export ends, except when
// a completed one expires: that is recorded once its file is proven gone. Run
// again it changes nothing. stored reports whether there may be objects at all.
func (a *AccountExports) BeginRemoval(ctx context.Context, export string, ending schema.Ending, by string) (stored bool, err error) {
	stored = true
	err = a.inTx(ctx, "begin removal", func(tx *sqlx.Tx) error {
		begun, err := beginRemoval(ctx, tx, export, ending, by)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		stored = begun.Stored
		return err
	})
	return stored, err
}

// removal is an export whose removal has begun.
type removal struct {
	Account string        `db:"account_sid"`
	Status  schema.Status `db:"status"` // before removal began
	Stored  bool          `db:"stored"`
}

// beginRemoval returns sql.ErrNoRows if there is no such export.
func beginRemoval(ctx context.Context, tx *sqlx.Tx, export string, ending schema.Ending, by string) (e removal, err error) {
	// The row is locked first: it waits for a transaction that writes a key or adds a piece.
	if err = tx.GetContext(ctx, &e, `select account_sid, status, confirmed_at is not null as stored from satchel.exports
		where id = $1 for update`, export); err != nil {
		return e, err
	}
	if _, err = tx.ExecContext(ctx, `delete from satchel.export_keys where export_id = $1`, export); err != nil {
		return e, err
	}
	if _, err = tx.ExecContext(ctx, `insert into satchel.removals (export_id, reason, actor) values ($1, $2, $3)
		on conflict do nothing`, export, ending.Reason, actor(by)); err != nil {
		return e, err
	}
	if e.Status.Ended() || e.Status == schema.Completed && ending.Status == schema.Expired {
		return e, nil
	}
	_, err = tx.ExecContext(ctx, `update satchel.exports
		set status = $2, reason = $3, failed_category = $4, ended_at = now(), available_again_at = null
		where id = $1`, export, ending.Status, ending.Reason, ending.Category)
	return e, err
}

// AddRemoved adds to the counts of the certificate.
func (a *AccountExports) AddRemoved(ctx context.Context, export string, removed schema.Certificate) error {
	_, err := a.pool.ExecContext(ctx, `update satchel.removals
		set objects = objects + $2, versions = versions + $3, uploads = uploads + $4
		where export_id = $1 and certified_at is null`, export, removed.Objects, removed.Versions, removed.Uploads)
	return sqlstate.Wrap("count removed objects", err)
}

// EndExport writes the certificate of everything that was removed, expires a
// completed export, deletes the ledger and the public key, and folds the progress of
// the categories into the export's row. An export has one certificate, and keeps its
// first ending.
func (a *AccountExports) EndExport(ctx context.Context, export string, ending schema.Ending, by string, removed schema.Certificate) error {
	return a.inTx(ctx, "end export", func(tx *sqlx.Tx) error {
		e, err := beginRemoval(ctx, tx, export, ending, by)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, table := range []string{"satchel.pieces", "satchel.segments"} {
			if _, err := tx.ExecContext(ctx, `delete from `+table+` where export_id = $1`, export); err != nil {
				return err
			}
		}
		var all struct {
			Reason string
			Actor  string
			schema.Certificate
		}
		err = tx.GetContext(ctx, &all, `update satchel.removals
			set objects = objects + $2, versions = versions + $3, uploads = uploads + $4, certified_at = clock_timestamp()
			where export_id = $1 and certified_at is null
			returning reason, actor, objects, versions, uploads`, export, removed.Objects, removed.Versions, removed.Uploads)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `update satchel.exports set status = $4, reason = $2, ended_at = now()
			where id = $1 and status = $3`, export, all.Reason, schema.Completed, schema.Expired); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `with folded as (
				delete from satchel.categories where export_id = $1 returning category, status, records, expected_records, bytes)
			update satchel.exports set recipient = '', ended_categories = (
				select jsonb_agg(jsonb_build_array(category, status, records, expected_records, bytes)) from folded)
			where id = $1`, export); err != nil {
			return err
		}
		return audit(ctx, tx, AuditEvent{Account: e.Account, Subject: export, Actor: all.Actor, Action: ActionRemoved, Details: all.Certificate})
	})
}
