package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

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
	err := a.pool.GetContext(ctx, &p, `select status = $3 as done, records, bytes, pieces, last_key
		from satchel.categories where export_id = $1 and category = $2`, export, c, schema.CategoryDone)
	return p, sqlstate.Wrap("read ledger", err)
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

// AddPiece adds the piece that begins after the given key to the ledger; "" is
// the beginning. It returns schema.ErrStaleAttempt, and adds nothing, if another
// attempt has added a piece meanwhile or the export accepts no more pieces.
func (a *AccountExports) AddPiece(ctx context.Context, export string, p schema.Piece, after string) error {
	done, err := a.pool.ExecContext(ctx, `with checkpoint as (
			update satchel.categories set records = records + $5, bytes = bytes + $6,
				expected_records = greatest(expected_records, records + $5),
				pieces = pieces + 1, last_key = $10, read_at = least(read_at, $11)
			where export_id = $1 and category = $2 and pieces = $3 and last_key = $12 and status = $13
			  and exists (select from satchel.exports where id = $1 and status = $14 for share)
			returning 1)
		insert into satchel.pieces (export_id, `+pieceColumns+`)
		select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 from checkpoint`,
		export, p.Category, p.Seq, p.ObjectKey, p.Records, p.TextBytes, p.GzipBytes, p.SHA256, p.FirstKey, p.LastKey, p.ReadAt, after,
		schema.CategoryReading, schema.Processing)
	return requireRow("add piece", done, err)
}

// FinishCategory moves a category to done once it was read to its end, which is
// after the given number of pieces. A category that is done stays as it is.
func (a *AccountExports) FinishCategory(ctx context.Context, export string, c schema.Category, pieces int, readAt time.Time) error {
	done, err := a.pool.ExecContext(ctx, `update satchel.categories
		set status = $5, expected_records = records, read_at = least(read_at, $4)
		where export_id = $1 and category = $2 and (pieces = $3 or status = $5)`, export, c, pieces, readAt, schema.CategoryDone)
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
		Category schema.Category       `db:"category"`
		Status   schema.CategoryStatus `db:"status"`
		Records  int64                 `db:"records"`
		ReadAt   *time.Time            `db:"read_at"`
	}
	if err := a.pool.SelectContext(ctx, &rows, `select category, status, records, read_at
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
			if r.Category != c || r.Status != schema.CategoryDone || r.ReadAt == nil {
				continue
			}
			section := schema.Section{Category: c, Records: r.Records, ReadAt: *r.ReadAt}
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
		return nil, fileGone()
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
