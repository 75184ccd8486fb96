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

// StartCollecting moves a confirmed export to processing when its first collector
// starts, and returns the public half of the export's key. The error is
// Conflict if the export accepts no more pieces.
func (a *AccountExports) StartCollecting(ctx context.Context, export string) (string, error) {
	var recipient string
	err := a.pool.GetContext(ctx, &recipient, `with started as (
			update satchel.exports set status = $3 where id = $1 and status = $2)
		select recipient from satchel.exports where id = $1 and status in ($2, $3)`, export, schema.Confirmed, schema.Processing)
	if errors.Is(err, sql.ErrNoRows) {
		return "", schema.Errorf(schema.Conflict, schema.CodeNotProcessing, "The export is not being made.")
	}
	return recipient, sqlstate.Wrap("read recipient", err)
}

// Checkpoint reads the checkpoint to continue a category from.
func (a *AccountExports) Checkpoint(ctx context.Context, export string, c schema.Category) (schema.Checkpoint, error) {
	var p schema.Checkpoint
	err := a.pool.GetContext(ctx, &p, checkpoint, export, c, schema.CategoryDone)
	return p, sqlstate.Wrap("read ledger", err)
}

const checkpoint = `select status = $3 as done, records, bytes, pieces, last_key
	from satchel.categories where export_id = $1 and category = $2`

// ResumeCategory returns the checkpoint for a reading with the given query. A category
// that is not done and was read with another query begins anew: its pieces no longer
// count. If the ledger has a piece with the object key damaged, the category continues
// before that piece, even if it was done. An attempt that still adds pieces behind what
// was dropped gets schema.ErrStaleAttempt.
func (a *AccountExports) ResumeCategory(ctx context.Context, export string, c schema.Category, query, damaged string) (p schema.Checkpoint, err error) {
	err = a.inTx(ctx, "resume category", func(tx *sqlx.Tx) error {
		var ledger struct { // locked, so that no piece is added meanwhile
			Status schema.CategoryStatus `db:"status"`
			Query  string                `db:"query_sha256"`
		}
		if err := tx.GetContext(ctx, &ledger, `select status, query_sha256 from satchel.categories
			where export_id = $1 and category = $2 for update`, export, c); err != nil {
			return err
		}
		dropped := -1 // sequence number from which pieces no longer count
		err := tx.GetContext(ctx, &dropped, `select seq from satchel.pieces
			where export_id = $1 and category = $2 and object_key = $3`, export, c, damaged)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if ledger.Query != query && (dropped >= 0 || ledger.Status != schema.CategoryDone) {
			dropped = 0
		}
		if dropped >= 0 {
			if err := dropPieces(ctx, tx, export, c, query, dropped); err != nil {
				return err
			}
		}
		return tx.GetContext(ctx, &p, checkpoint, export, c, schema.CategoryDone)
	})
	return p, err
}

// dropPieces removes pieces from the ledger, from a sequence number on. Their objects
// stay until the export's removal.
func dropPieces(ctx context.Context, tx *sqlx.Tx, export string, c schema.Category, query string, from int) error {
	if _, err := tx.ExecContext(ctx, `delete from satchel.pieces
		where export_id = $1 and category = $2 and seq >= $3`, export, c, from); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `update satchel.categories c
		set status = case status when $4 then $5 else status end, query_sha256 = $3, end_read_at = null,
			records = l.records, bytes = l.bytes, pieces = l.pieces, last_key = l.last_key
		from (select coalesce(sum(records), 0) as records, coalesce(sum(text_bytes), 0) as bytes, count(*) as pieces,
				coalesce((array_agg(last_key order by seq desc))[1], '') as last_key
			from satchel.pieces where export_id = $1 and category = $2) l
		where export_id = $1 and category = $2`, export, c, query, schema.CategoryDone, schema.CategoryReading)
	return err
}

const pieceColumns = `category, seq, object_key, records, text_bytes, gzip_bytes, sha256, first_key, last_key, read_at`

// BeginCategory moves a category to reading and records how many records to
// expect. A category that is done stays as it is.
func (a *AccountExports) BeginCategory(ctx context.Context, export string, c schema.Category, expected int64) error {
	_, err := a.pool.ExecContext(ctx, `update satchel.categories
		set status = $4, expected_records = greatest($3, records)
		where export_id = $1 and category = $2 and status <> $5`, export, c, expected, schema.CategoryReading, schema.CategoryDone)
	return sqlstate.Wrap("begin category", err)
}

// MarkCategoryWaiting moves a category that is being read back to waiting, between two
// attempts. What was read stays.
func (a *AccountExports) MarkCategoryWaiting(ctx context.Context, export string, c schema.Category) error {
	_, err := a.pool.ExecContext(ctx, `update satchel.categories set status = $3
		where export_id = $1 and category = $2 and status = $4`, export, c, schema.CategoryWaiting, schema.CategoryReading)
	return sqlstate.Wrap("mark category waiting", err)
}

// AddPiece adds the piece that begins after the given key to the ledger; "" is
// the beginning. It returns schema.ErrStaleAttempt, and adds nothing, if another
// attempt has added a piece or begun the category anew meanwhile, or the export
// accepts no more pieces.
func (a *AccountExports) AddPiece(ctx context.Context, export string, p schema.Piece, query, after string) error {
	done, err := a.pool.ExecContext(ctx, `with checkpoint as (
			update satchel.categories set records = records + $5, bytes = bytes + $6,
				expected_records = greatest(expected_records, records + $5),
				pieces = pieces + 1, last_key = $10
			where export_id = $1 and category = $2 and pieces = $3 and last_key = $12 and query_sha256 = $15 and status = $13
			  and exists (select from satchel.exports where id = $1 and status = $14 for share)
			returning 1)
		insert into satchel.pieces (export_id, `+pieceColumns+`)
		select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 from checkpoint`,
		export, p.Category, p.Seq, p.ObjectKey, p.Records, p.TextBytes, p.GzipBytes, p.SHA256, p.FirstKey, p.LastKey, p.ReadAt, after,
		schema.CategoryReading, schema.Processing, query)
	return requireRow("add piece", done, err)
}

// FinishCategory moves a category to done once a reading that began after the ledger's
// last piece found no further record, as of end. It returns schema.ErrStaleAttempt if the
// ledger does not stand as at says. A category that is done stays as it is.
func (a *AccountExports) FinishCategory(ctx context.Context, export string, c schema.Category, query string, at schema.Checkpoint, end time.Time) error {
	done, err := a.pool.ExecContext(ctx, `update satchel.categories
		set status = $6, expected_records = records, end_read_at = case status when $6 then end_read_at else $7 end
		where export_id = $1 and category = $2 and (pieces = $3 and last_key = $4 and query_sha256 = $5 or status = $6)`,
		export, c, at.Pieces, at.LastKey, query, schema.CategoryDone, end)
	return requireRow("finish category", done, err)
}

// requireRow returns schema.ErrStaleAttempt if a statement changed no row.
func requireRow(op string, done sql.Result, err error) error {
	if err != nil {
		return sqlstate.Wrap(op, err)
	}
	if n, err := done.RowsAffected(); err != nil {
		return sqlstate.Wrap(op, err)
	} else if n == 0 {
		return schema.ErrStaleAttempt
	}
	return nil
}

// Sections reads the whole ledger in archive order. The error is Conflict until
// every category that the export began with is done.
func (a *AccountExports) Sections(ctx context.Context, export string) ([]schema.Section, error) {
	var rows []struct {
		Category  schema.Category       `db:"category"`
		Status    schema.CategoryStatus `db:"status"`
		Records   int64                 `db:"records"`
		EndReadAt *time.Time            `db:"end_read_at"`
	}
	if err := a.pool.SelectContext(ctx, &rows, `select category, status, records, end_read_at
		from satchel.categories where export_id = $1`, export); err != nil {
		return nil, sqlstate.Wrap("read categories", err)
	}
	var pieces []schema.Piece
	if err := a.pool.SelectContext(ctx, &pieces, `select `+pieceColumns+` from satchel.pieces
		where export_id = $1 order by category, seq`, export); err != nil {
		return nil, sqlstate.Wrap("read ledger", err)
	}
	var sections []schema.Section
	for _, c := range schema.Categories {
		for _, r := range rows {
			if r.Category != c || r.Status != schema.CategoryDone || r.EndReadAt == nil {
				continue
			}
			section := schema.Section{Category: c, Records: r.Records, EndReadAt: *r.EndReadAt}
			for _, p := range pieces {
				if p.Category == c {
					section.Pieces = append(section.Pieces, p)
				}
			}
			sections = append(sections, section)
		}
	}
	if len(sections) == 0 || len(sections) != len(rows) {
		return nil, schema.Errorf(schema.Conflict, schema.CodeNotCollected, "Not every category has been read.")
	}
	return sections, nil
}

// WrappedKey reads the private half of the export's key, still wrapped. The
// error is Gone once it was destroyed.
func (a *AccountExports) WrappedKey(ctx context.Context, export string) ([]byte, error) {
	var wrapped []byte
	err := a.pool.GetContext(ctx, &wrapped, `select wrapped from satchel.export_keys where export_id = $1`, export)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fileGone(nil)
	}
	return wrapped, sqlstate.Wrap("read key", err)
}

// AddSegments stores the offsets at which reading of an archive can begin. Run
// again it changes nothing. It returns schema.ErrStaleAttempt, and stores nothing,
// if the export accepts no archive any more.
func (a *AccountExports) AddSegments(ctx context.Context, export, objectKey string, segments []schema.Segment) error {
	texts, gzips := make([]int64, len(segments)), make([]int64, len(segments))
	for i, seg := range segments {
		texts[i], gzips[i] = seg.TextOffset, seg.GzipOffset
	}
	var wanted bool
	err := a.pool.GetContext(ctx, &wanted, `with wanted as (
			select id from satchel.exports where id = $1 and status = $5 for share
		), added as (
			insert into satchel.segments (export_id, object_key, text_offset, gzip_offset)
			select id, $2, t, g from wanted, unnest($3::bigint[], $4::bigint[]) as s (t, g)
			on conflict do nothing)
		select exists (select from wanted)`, export, objectKey, pq.Array(texts), pq.Array(gzips), schema.Processing)
	if err == nil && !wanted {
		return schema.ErrStaleAttempt
	}
	return sqlstate.Wrap("add segments", err)
}
