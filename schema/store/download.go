package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// Download is everything needed to send an archive.
type Download struct {
	schema.Archive
	Export      string           `db:"id"`
	Account     string           `db:"account_sid"`
	CompletedAt time.Time        `db:"completed_at"`
	ExpiresAt   time.Time        `db:"expires_at"`
	Wrapped     []byte           `db:"wrapped"`
	ReadAt      time.Time        `db:"read_at"` // by the database's clock
	Segments    []schema.Segment `db:"-"`
}

// Left is how long the archive could still be downloaded when it was read.
func (d Download) Left() time.Duration { return d.ExpiresAt.Sub(d.ReadAt) }

// Download reads what is needed to send the account's archive, while its window
// is open by the database's clock. Afterwards the error is Gone, before
// completion Conflict, and for another account NotFound.
func (a *AccountExports) Download(ctx context.Context, account, export string) (Download, error) {
	var row struct {
		Download
		Status schema.Status `db:"status"`
		Open   bool          `db:"open"`
		Again  *time.Time    `db:"again"` // when the next export can be requested, null if it can be now
	}
	err := a.pool.GetContext(ctx, &row, `select e.id, e.account_sid, e.status, coalesce(k.export_id is not null and e.expires_at > statement_timestamp(), false) as open,
			case when e.available_again_at > statement_timestamp() then e.available_again_at end as again,
			coalesce(e.completed_at, e.requested_at) as completed_at, coalesce(e.expires_at, e.requested_at) as expires_at,
			coalesce(e.archive_key, '') as archive_key, coalesce(e.size, 0) as size, coalesce(e.sha256, '') as sha256,
			coalesce(e.gzip_size, 0) as gzip_size, coalesce(e.gzip_sha256, '') as gzip_sha256, k.wrapped, statement_timestamp() as read_at
		from satchel.exports e left join satchel.export_keys k on k.export_id = e.id
		where e.id = $1 and e.account_sid = $2`, export, account)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Download{}, exportNotFound()
	case err != nil:
		return Download{}, sqlstate.Wrap("read download", err)
	case row.Status.Cancellable():
		return Download{}, schema.Errorf(schema.Conflict, schema.CodeNotReady, "The file is not ready yet.")
	case row.Status != schema.Completed || !row.Open:
		return Download{}, fileGone(row.Again)
	}
	if err := a.pool.SelectContext(ctx, &row.Segments, `select text_offset, gzip_offset from satchel.segments
		where export_id = $1 and object_key = $2 order by text_offset`, export, row.ObjectKey); err != nil {
		return Download{}, sqlstate.Wrap("read segments", err)
	}
	if len(row.Segments) == 0 { // a removal is under way: an archive has at least one
		return Download{}, fileGone(row.Again)
	}
	return row.Download, nil
}

// DownloadAllowed checks that a download that has begun may go on: the error is Gone
// where the archive was deleted or its key destroyed before it expired. Once it has
// expired, its key is destroyed, and how long a download may still go on is the
// caller's to decide.
func (a *AccountExports) DownloadAllowed(ctx context.Context, account, export string) error {
	var allowed bool
	err := a.pool.GetContext(ctx, &allowed, `select exists (select from satchel.exports e
		where e.id = $1 and e.account_sid = $2 and e.reason <> $3 and (e.expires_at <= statement_timestamp()
			or e.status = $4 and exists (select from satchel.export_keys k where k.export_id = e.id)))`,
		export, account, schema.ReasonDeleted, schema.Completed)
	if err == nil && !allowed {
		return fileGone(nil)
	}
	return sqlstate.Wrap("check a download", err)
}

// fileGone says from when a new export can be requested, unless it can be now.
func fileGone(again *time.Time) error {
	if again != nil {
		return schema.Errorf(schema.Gone, schema.CodeGone, "The file has been deleted. You can request a new export from %s.",
			again.UTC().Format("2 January 2006, 15:04:05 UTC"))
	}
	return schema.Errorf(schema.Gone, schema.CodeGone, "The file has been deleted. You can request a new export.")
}
