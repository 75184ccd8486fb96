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

// Recipient reads the public half of the export's key and moves a confirmed
// export to processing: its first collector has started. An export that wants
// no more pieces is a Conflict.
func (s *Store) Recipient(ctx context.Context, export string) (string, error) {
	var recipient string
	err := s.db.GetContext(ctx, &recipient, `with started as (
			update satchel.exports set status = 'processing' where id = $1 and status = 'confirmed')
		select recipient from satchel.exports where id = $1 and status in ('confirmed', 'processing')`, export)
	if errors.Is(err, sql.ErrNoRows) {
		return "", schema.Errorf(schema.Conflict, schema.CodeNotProcessing, "The export is not being made.")
	}
	return recipient, sqlstate.Wrap("read recipient", err)
}

// Place reads where to go on with a category.
func (s *Store) Place(ctx context.Context, export string, c schema.Category) (schema.Place, error) {
	var p schema.Place
	err := s.db.GetContext(ctx, &p, `select status = 'done' as done, records, bytes, pieces, last_key
		from satchel.categories where export_id = $1 and category = $2`, export, c)
	return p, sqlstate.Wrap("read ledger", err)
}

const pieceColumns = `category, seq, object_key, records, text_bytes, gzip_bytes, sha256, first_key, last_key, read_at`

// BeginCategory notes that reading has begun and how many records to expect.
func (s *Store) BeginCategory(ctx context.Context, export string, c schema.Category, expected int64) error {
	_, err := s.db.ExecContext(ctx, `update satchel.categories
		set status = 'reading', expected_records = greatest($3, records)
		where export_id = $1 and category = $2 and status <> 'done'`, export, c, expected)
	return sqlstate.Wrap("begin category", err)
}

// AddPiece counts the piece that begins behind the key after; "" is the
// beginning. It answers schema.ErrOvertaken, and counts nothing, where the ledger
// has moved on meanwhile or the export wants no pieces any more.
func (s *Store) AddPiece(ctx context.Context, export string, p schema.Piece, after string) error {
	done, err := s.db.ExecContext(ctx, `with place as (
			update satchel.categories set records = records + $5, bytes = bytes + $6,
				expected_records = greatest(expected_records, records + $5),
				pieces = pieces + 1, last_key = $10, read_at = least(read_at, $11)
			where export_id = $1 and category = $2 and pieces = $3 and last_key = $12 and status = 'reading'
			  and exists (select from satchel.exports where id = $1 and status = 'processing' for share)
			returning 1)
		insert into satchel.pieces (export_id, `+pieceColumns+`)
		select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 from place`,
		export, p.Category, p.Seq, p.ObjectKey, p.Records, p.TextBytes, p.GzipBytes, p.SHA256, p.FirstKey, p.LastKey, p.ReadAt, after)
	return onlyOne("count piece", done, err)
}

// FinishCategory notes that the category was read to its end, which is behind
// the given number of pieces. A category that is done stays as it is.
func (s *Store) FinishCategory(ctx context.Context, export string, c schema.Category, pieces int, readAt time.Time) error {
	done, err := s.db.ExecContext(ctx, `update satchel.categories
		set status = 'done', expected_records = records, read_at = least(read_at, $4)
		where export_id = $1 and category = $2 and (pieces = $3 or status = 'done')`, export, c, pieces, readAt)
	return onlyOne("finish category", done, err)
}

func onlyOne(op string, done sql.Result, err error) error {
	if err != nil {
		return sqlstate.Wrap(op, err)
	}
	if n, err := done.RowsAffected(); err != nil {
		return sqlstate.Wrap(op, err)
	} else if n == 0 {
		return schema.ErrOvertaken
	}
	return nil
}

// Sections reads the whole ledger in archive order. It is a Conflict to ask
// before every category that the export began with is done.
func (s *Store) Sections(ctx context.Context, export string) ([]schema.Section, error) {
	var rows []struct {
		Category schema.Category       `db:"category"`
		Status   schema.CategoryStatus `db:"status"`
		Records  int64                 `db:"records"`
		ReadAt   *time.Time            `db:"read_at"`
	}
	if err := s.db.SelectContext(ctx, &rows, `select category, status, records, read_at
		from satchel.categories where export_id = $1`, export); err != nil {
		return nil, sqlstate.Wrap("read categories", err)
	}
	var pieces []schema.Piece
	if err := s.db.SelectContext(ctx, &pieces, `select `+pieceColumns+` from satchel.pieces
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

// WrappedKey reads the private half of the export's key, still wrapped. Once
// it was destroyed the answer is Gone.
func (s *Store) WrappedKey(ctx context.Context, export string) ([]byte, error) {
	var wrapped []byte
	err := s.db.GetContext(ctx, &wrapped, `select wrapped from satchel.export_keys where export_id = $1`, export)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gone()
	}
	return wrapped, sqlstate.Wrap("read key", err)
}

// AddSegments keeps the places where reading of an archive can begin. Run
// again it changes nothing. It answers schema.ErrOvertaken, and keeps nothing,
// where the export wants no archive any more.
func (s *Store) AddSegments(ctx context.Context, export, objectKey string, segments []schema.Segment) error {
	texts, gzips := make([]int64, len(segments)), make([]int64, len(segments))
	for i, seg := range segments {
		texts[i], gzips[i] = seg.TextOffset, seg.GzipOffset
	}
	var wanted bool
	err := s.db.GetContext(ctx, &wanted, `with wanted as (
			select id from satchel.exports where id = $1 and status = 'processing' for share
		), kept as (
			insert into satchel.segments (export_id, object_key, text_offset, gzip_offset)
			select id, $2, t, g from wanted, unnest($3::bigint[], $4::bigint[]) as s (t, g)
			on conflict do nothing)
		select exists (select from wanted)`, export, objectKey, pq.Array(texts), pq.Array(gzips))
	if err == nil && !wanted {
		return schema.ErrOvertaken
	}
	return sqlstate.Wrap("keep segments", err)
}
