package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

const exportColumns = `id, account_sid, requested_by, status, reason, failed_category, link_version,
	requested_at, confirm_by, confirmed_at, completed_at, ended_at, expires_at, available_again_at,
	size, sha256`

// OpenExport writes the export's row as pending. The caller is the account's
// only open workflow, so an older active row has lost its workflow: it becomes
// failed, and the sweep removes what it stored. The error is Conflict if the
// account is in its cooldown, or has a younger export: then the caller is the
// lost workflow.
func (a *AccountExports) OpenExport(ctx context.Context, o schema.NewExport) error {
	return a.inTx(ctx, "open export", func(tx *sqlx.Tx) error {
		var known struct{ Exists, Cooldown, Superseded bool }
		if err := tx.GetContext(ctx, &known, `select
			exists (select from satchel.exports where id = $1) as exists,
			exists (select from satchel.exports where account_sid = $2 and available_again_at > now()) as cooldown,
			exists (select from satchel.exports where account_sid = $2
				and status in `+activeStatuses+` and requested_at > $3) as superseded`,
			o.Export, o.Account, o.RequestedAt); err != nil {
			return err
		}
		switch {
		case known.Exists:
			return nil
		case known.Cooldown:
			return schema.Errorf(schema.Conflict, schema.CodeCooldown, "The account is in its cooldown.")
		case known.Superseded:
			return schema.Errorf(schema.Conflict, schema.CodeSuperseded, "The account has a younger export.")
		}
		if _, err := tx.ExecContext(ctx, `with lost as (
				update satchel.exports set status = $4, reason = $2, ended_at = now()
				where account_sid = $1 and status in `+activeStatuses+` and requested_at <= $3 returning id)
			insert into satchel.removals (export_id, reason, actor) select id, $2, $5 from lost on conflict do nothing`,
			o.Account, schema.ReasonInterrupted, o.RequestedAt, schema.Failed, schema.ActorSatchel); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `insert into satchel.exports
			(id, account_sid, requested_by, status, requested_at, confirm_by)
			values ($1, $2, $3, $6, $4, $5)`,
			o.Export, o.Account, o.RequestedBy, o.RequestedAt, o.ConfirmBy, schema.Pending); err != nil {
			return err
		}
		categories := o.Categories
		if len(categories) == 0 {
			categories = schema.Categories
		}
		if _, err := tx.ExecContext(ctx, `insert into satchel.categories (export_id, category, status)
			select $1, c, $3 from unnest($2::text[]) c`, o.Export, pq.Array(categories), schema.CategoryWaiting); err != nil {
			return err
		}
		return audit(ctx, tx, AuditEvent{Account: o.Account, Subject: o.Export, Actor: actor(o.RequestedBy), Action: ActionRequested})
	})
}

// ConfirmExport writes the export's key and moves its row to confirmed. Run
// again it changes nothing: the first key stays.
func (a *AccountExports) ConfirmExport(ctx context.Context, export, by, recipient string, wrapped []byte) error {
	return a.inTx(ctx, "confirm export", func(tx *sqlx.Tx) error {
		var account string
		err := tx.GetContext(ctx, &account, `update satchel.exports
			set status = $4, confirmed_at = now(), recipient = $2
			where id = $1 and status = $3 returning account_sid`, export, recipient, schema.Pending, schema.Confirmed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `insert into satchel.export_keys (export_id, wrapped) values ($1, $2)`, export, wrapped); err != nil {
			return err
		}
		return audit(ctx, tx, AuditEvent{Account: account, Subject: export, Actor: actor(by), Action: ActionConfirmed})
	})
}

// SetLinkVersion makes the given version of the confirmation link the current
// one, for an e-mail that is sent again. A higher one stays.
func (a *AccountExports) SetLinkVersion(ctx context.Context, export string, linkVersion int) error {
	_, err := a.pool.ExecContext(ctx, `update satchel.exports set link_version = $2
		where id = $1 and status = $3 and link_version < $2`, export, linkVersion, schema.Pending)
	return sqlstate.Wrap("renew confirmation link", err)
}

// CompleteExport moves the row to completed, with the archive's size and hash,
// and returns it. Run again it changes nothing and returns the same.
func (a *AccountExports) CompleteExport(ctx context.Context, export string, archive schema.Archive, w schema.Windows) (schema.Export, error) {
	var e schema.Export
	err := a.inTx(ctx, "complete export", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `update satchel.exports set status = $9, completed_at = t.now,
			expires_at = t.now + $2 * interval '1 microsecond', available_again_at = t.now + $3 * interval '1 microsecond',
			archive_key = $4, size = $5, sha256 = $6, gzip_size = $7, gzip_sha256 = $8
			from (select date_trunc('milliseconds', now()) as now) t
			where id = $1 and status = $10`,
			export, w.Download.Microseconds(), w.Cooldown.Microseconds(), archive.ObjectKey, archive.Size, archive.SHA256,
			archive.GzipSize, archive.GzipSHA256, schema.Completed, schema.Processing)
		if err != nil {
			return err
		}
		return tx.GetContext(ctx, &e, `select `+exportColumns+` from satchel.exports where id = $1`, export)
	})
	return e, err
}

// Export reads one export with its categories.
func (a *AccountExports) Export(ctx context.Context, id string) (schema.Export, error) {
	var e schema.Export
	err := a.pool.GetContext(ctx, &e, `select `+exportColumns+` from satchel.exports where id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return e, exportNotFound()
	}
	if err != nil {
		return e, sqlstate.Wrap("read export", err)
	}
	list := []schema.Export{e}
	err = a.withCategories(ctx, list)
	return list[0], err
}

// AccountExport reads an export of this account. One of another account is NotFound.
func (a *AccountExports) AccountExport(ctx context.Context, account, id string) (schema.Export, error) {
	e, err := a.Export(ctx, id)
	if err == nil && e.Account != account {
		return schema.Export{}, exportNotFound()
	}
	return e, err
}

// Exports reads the account's latest exports, newest first.
func (a *AccountExports) Exports(ctx context.Context, account string, limit int) ([]schema.Export, error) {
	return a.ExportsBefore(ctx, account, "", limit)
}

// ExportsBefore is Exports after the one named before, or from the newest on if
// that is "".
func (a *AccountExports) ExportsBefore(ctx context.Context, account, before string, limit int) ([]schema.Export, error) {
	list := []schema.Export{}
	err := a.pool.SelectContext(ctx, &list, `select `+exportColumns+` from satchel.exports e
		where account_sid = $1 and ($3 = '' or exists (select from satchel.exports b where b.account_sid = $1 and b.id = $3
			and (e.requested_at < b.requested_at or e.requested_at = b.requested_at and e.id > b.id)))
		order by requested_at desc, id limit $2`, account, limit, before)
	if err != nil {
		return nil, sqlstate.Wrap("list exports", err)
	}
	return list, a.withCategories(ctx, list)
}

// withCategories fills in the categories of each export, in archive order.
func (a *AccountExports) withCategories(ctx context.Context, list []schema.Export) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	var rows []struct {
		Export string `db:"export_id"`
		schema.CategoryProgress
	}
	if err := a.pool.SelectContext(ctx, &rows, `select export_id, category, status, records, expected_records, bytes
			from satchel.categories where export_id = any($1)
		union all
		select id, c->>0, c->>1, (c->2)::bigint, (c->>3)::bigint, (c->4)::bigint
			from satchel.exports, jsonb_array_elements(ended_categories) c where id = any($1)`, pq.Array(ids)); err != nil {
		return sqlstate.Wrap("read categories", err)
	}
	progress := make(map[string]map[schema.Category]schema.CategoryProgress, len(list))
	for _, r := range rows {
		if progress[r.Export] == nil {
			progress[r.Export] = make(map[schema.Category]schema.CategoryProgress, len(schema.Categories))
		}
		progress[r.Export][r.Name] = r.CategoryProgress
	}
	for i := range list {
		for _, c := range schema.Categories {
			if p, ok := progress[list[i].ID][c]; ok {
				list[i].Categories = append(list[i].Categories, p)
			}
		}
	}
	return nil
}

func exportNotFound() error {
	return schema.Errorf(schema.NotFound, schema.CodeNotFound, "There is no such export.")
}
