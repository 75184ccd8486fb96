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

const exportColumns = `id, account_sid, requested_by, status, reason, failed_category, generation,
	requested_at, confirm_by, confirmed_at, completed_at, ended_at, expires_at, available_again_at,
	size, sha256`

// OpenExport writes the export's row as pending. The caller holds the
// account's only open workflow, so an older unended row is one that lost its
// run: it is settled as failed, and the sweep removes what it left. It is a
// Conflict where the account is in its cooldown, or has a younger export: then
// the caller is the one that lost its run.
func (s *Store) OpenExport(ctx context.Context, o schema.Opening) error {
	return s.inTx(ctx, "open export", func(tx *sqlx.Tx) error {
		var known struct{ Exists, Cooling, Overtaken bool }
		if err := tx.GetContext(ctx, &known, `select
			exists (select from satchel.exports where id = $1) as exists,
			exists (select from satchel.exports where account_sid = $2 and available_again_at > now()) as cooling,
			exists (select from satchel.exports where account_sid = $2
				and status in ('pending', 'confirmed', 'processing') and requested_at > $3) as overtaken`,
			o.Export, o.Account, o.RequestedAt); err != nil {
			return err
		}
		switch {
		case known.Exists:
			return nil
		case known.Cooling:
			return schema.Errorf(schema.Conflict, schema.CodeCooldown, "The account is in its cooldown.")
		case known.Overtaken:
			return schema.Errorf(schema.Conflict, schema.CodeOvertaken, "The account has a younger export.")
		}
		if _, err := tx.ExecContext(ctx, `with lost as (
				update satchel.exports set status = 'failed', reason = $2, ended_at = now()
				where account_sid = $1 and status in ('pending', 'confirmed', 'processing') and requested_at <= $3 returning id)
			insert into satchel.removals (export_id, reason, actor) select id, $2, 'satchel' from lost on conflict do nothing`,
			o.Account, schema.InterruptedReason, o.RequestedAt); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `insert into satchel.exports
			(id, account_sid, requested_by, status, requested_at, confirm_by)
			values ($1, $2, $3, 'pending', $4, $5)`,
			o.Export, o.Account, o.RequestedBy, o.RequestedAt, o.ConfirmBy); err != nil {
			return err
		}
		categories := o.Categories
		if len(categories) == 0 {
			categories = schema.Categories
		}
		if _, err := tx.ExecContext(ctx, `insert into satchel.categories (export_id, category, status)
			select $1, c, 'waiting' from unnest($2::text[]) c`, o.Export, pq.Array(categories)); err != nil {
			return err
		}
		return audit(ctx, tx, Event{Account: o.Account, Subject: o.Export, Actor: actor(o.RequestedBy), Action: Requested})
	})
}

// ConfirmExport keeps the export's key and moves its row to confirmed. Run
// again it changes nothing: the first key stays.
func (s *Store) ConfirmExport(ctx context.Context, export, by, recipient string, wrapped []byte) error {
	return s.inTx(ctx, "confirm export", func(tx *sqlx.Tx) error {
		var account string
		err := tx.GetContext(ctx, &account, `update satchel.exports
			set status = 'confirmed', confirmed_at = now(), recipient = $2
			where id = $1 and status = 'pending' returning account_sid`, export, recipient)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `insert into satchel.export_keys (export_id, wrapped) values ($1, $2)`, export, wrapped); err != nil {
			return err
		}
		return audit(ctx, tx, Event{Account: account, Subject: export, Actor: actor(by), Action: ConfirmedBy})
	})
}

// NextGeneration makes the confirmation link of the given generation the
// current one, for a mail that is sent again. A younger one stays.
func (s *Store) NextGeneration(ctx context.Context, export string, generation int) error {
	_, err := s.db.ExecContext(ctx, `update satchel.exports set generation = $2
		where id = $1 and status = 'pending' and generation < $2`, export, generation)
	return sqlstate.Wrap("renew confirmation link", err)
}

// CompleteExport moves the row to completed with what the archive turned out
// to be, and answers when that was. Run again it answers the first time.
func (s *Store) CompleteExport(ctx context.Context, export string, a schema.Archive, w schema.Windows) (schema.Export, error) {
	var e schema.Export
	err := s.inTx(ctx, "complete export", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `update satchel.exports set status = 'completed', completed_at = t.now,
			expires_at = t.now + $2 * interval '1 microsecond', available_again_at = t.now + $3 * interval '1 microsecond',
			archive_key = $4, size = $5, sha256 = $6, gzip_size = $7, gzip_sha256 = $8
			from (select date_trunc('milliseconds', now()) as now) t
			where id = $1 and status = 'processing'`,
			export, w.Download.Microseconds(), w.Cooldown.Microseconds(), a.ObjectKey, a.Size, a.SHA256, a.GzipSize, a.GzipSHA256)
		if err != nil {
			return err
		}
		return tx.GetContext(ctx, &e, `select `+exportColumns+` from satchel.exports where id = $1`, export)
	})
	return e, err
}

// Export reads one export with its categories.
func (s *Store) Export(ctx context.Context, id string) (schema.Export, error) {
	var e schema.Export
	err := s.db.GetContext(ctx, &e, `select `+exportColumns+` from satchel.exports where id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return e, schema.Errorf(schema.NotFound, schema.CodeNotFound, "There is no such export.")
	}
	if err != nil {
		return e, sqlstate.Wrap("read export", err)
	}
	list := []schema.Export{e}
	err = s.withCategories(ctx, list)
	return list[0], err
}

// ExportOf reads an export of this account; another account's does not exist.
func (s *Store) ExportOf(ctx context.Context, account, id string) (schema.Export, error) {
	e, err := s.Export(ctx, id)
	if err == nil && e.Account != account {
		return schema.Export{}, schema.Errorf(schema.NotFound, schema.CodeNotFound, "There is no such export.")
	}
	return e, err
}

// Exports reads the account's latest exports, newest first.
func (s *Store) Exports(ctx context.Context, account string, limit int) ([]schema.Export, error) {
	return s.ExportsBefore(ctx, account, "", limit)
}

// ExportsBefore is Exports behind one of them, or from the newest on where that
// is "".
func (s *Store) ExportsBefore(ctx context.Context, account, before string, limit int) ([]schema.Export, error) {
	list := []schema.Export{}
	err := s.db.SelectContext(ctx, &list, `select `+exportColumns+` from satchel.exports e
		where account_sid = $1 and ($3 = '' or exists (select from satchel.exports b where b.account_sid = $1 and b.id = $3
			and (e.requested_at < b.requested_at or e.requested_at = b.requested_at and e.id > b.id)))
		order by requested_at desc, id limit $2`, account, limit, before)
	if err != nil {
		return nil, sqlstate.Wrap("list exports", err)
	}
	return list, s.withCategories(ctx, list)
}

// withCategories fills in the categories of each export, in archive order.
func (s *Store) withCategories(ctx context.Context, list []schema.Export) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	query, args, err := sqlx.In(`select export_id, category, status, records, expected_records, bytes
		from satchel.categories where export_id in (?)`, ids)
	if err != nil {
		return sqlstate.Wrap("read categories", err)
	}
	var rows []struct {
		Export string `db:"export_id"`
		schema.CategoryProgress
	}
	if err := s.db.SelectContext(ctx, &rows, s.db.Rebind(query), args...); err != nil {
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
