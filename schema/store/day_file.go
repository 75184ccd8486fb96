package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

const dayFileColumns = `id, account_sid, resource_type, to_char(day, 'YYYY-MM-DD') as day, job_id, friendly_name,
	records, size, sha256, created_at, expires_at, seq`

// readable is the predicate of a day file whose key exists and which has not
// expired by the database's clock.
const readable = `wrapped is not null and expires_at > statement_timestamp()`

// outdated is the predicate of a day file that has a call that was erased, or that
// the platform no longer shows. Whatever erases the call marks the file; a new
// version of it is not marked.
const outdated = `outdated_since is not null`

// visible is the predicate of a day file that may be listed and downloaded. One
// that has been outdated for schema.OutdatedWithin is hidden until it is
// rebuilt: an erased call disappears in time, whatever delays the rebuild.
var visible = readable + fmt.Sprintf(` and (outdated_since is null or outdated_since > statement_timestamp() - interval '%d microseconds')`,
	schema.OutdatedWithin.Microseconds())

// DayFiles lists the account's files of a type in the order of publication,
// after the given Seq.
func (b *BulkExports) DayFiles(ctx context.Context, account string, t schema.ResourceType, afterSeq int64, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := b.pool.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where account_sid = $1 and resource_type = $2 and seq > $3 and `+visible+` order by seq limit $4`, account, t, afterSeq, limit)
	return list, sqlstate.Wrap("list day files", err)
}

// LatestDayFiles lists the account's files of all types, newest first.
func (b *BulkExports) LatestDayFiles(ctx context.Context, account string, limit int) ([]schema.DayFile, error) {
	return b.LatestDayFilesBefore(ctx, account, math.MaxInt64, limit)
}

// LatestDayFilesBefore is LatestDayFiles of files published before the given
// Seq.
func (b *BulkExports) LatestDayFilesBefore(ctx context.Context, account string, seq int64, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := b.pool.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where account_sid = $1 and seq < $3 and `+visible+` order by seq desc limit $2`, account, limit, seq)
	return list, sqlstate.Wrap("list day files", err)
}

// DayFile reads the account's file of a type and day. One that may not be
// downloaded any more is NotFound.
func (b *BulkExports) DayFile(ctx context.Context, account string, t schema.ResourceType, day schema.Day) (schema.DayFile, error) {
	var f schema.DayFile
	err := b.pool.GetContext(ctx, &f, `select `+dayFileColumns+` from satchel.day_files
		where account_sid = $1 and resource_type = $2 and day = $3 and `+visible, account, t, day)
	return f, dayFileError(err)
}

// IsDayFileOutdated reports whether the account's file of calls of a day exists and has a
// call that was erased, or that the platform no longer shows.
func (b *BulkExports) IsDayFileOutdated(ctx context.Context, account string, day schema.Day) (bool, error) {
	var is bool
	err := b.pool.GetContext(ctx, &is, `select exists (select from satchel.day_files
		where account_sid = $1 and day = $2 and `+readable+` and `+outdated+`)`, account, day)
	return is, sqlstate.Wrap("find outdated day file", err)
}

// OutdatedDayFiles lists all such files in order of ID, after the given one.
func (b *BulkExports) OutdatedDayFiles(ctx context.Context, after string, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := b.pool.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where id > $1 and `+readable+` and `+outdated+` order by id limit $2`, after, limit)
	return list, sqlstate.Wrap("find outdated day files", err)
}

// UncheckedDayFiles lists files of calls that were checked, or published, longer
// than ago, the oldest first.
func (b *BulkExports) UncheckedDayFiles(ctx context.Context, ago time.Duration, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := b.pool.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where resource_type = `+sqlText(schema.Calls)+` and checked_at < statement_timestamp() - $1 * interval '1 microsecond'
		and `+readable+` order by checked_at, id limit $2`, ago.Microseconds(), limit)
	return list, sqlstate.Wrap("find unchecked day files", err)
}

// RecordDayFileChecked records that a file was checked, and that it is outdated, if
// it is.
func (b *BulkExports) RecordDayFileChecked(ctx context.Context, id string, isOutdated bool) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.day_files set checked_at = clock_timestamp(),
		outdated_since = case when $2 then coalesce(outdated_since, clock_timestamp()) else outdated_since end where id = $1`, id, isOutdated)
	return sqlstate.Wrap("record check of a day file", err)
}

// OpenDayFile reads what is needed to send this version of a file, its key still
// wrapped. One that was replaced, or has expired, is NotFound.
func (b *BulkExports) OpenDayFile(ctx context.Context, id string) (f schema.DayFile, wrapped []byte, err error) {
	var row struct {
		schema.DayFile
		Wrapped []byte `db:"wrapped"`
	}
	err = b.pool.GetContext(ctx, &row, `select `+dayFileColumns+`, wrapped from satchel.day_files where id = $1 and `+visible, id)
	return row.DayFile, row.Wrapped, dayFileError(err)
}

// DayDownloadAllowed checks that a download of this version of a file that has begun
// may go on: the error is NotFound where the file was deleted, replaced or outdated
// before it expired. Once it has expired, how long a download may still go on is the
// caller's to decide.
func (b *BulkExports) DayDownloadAllowed(ctx context.Context, id string, expiresAt time.Time) error {
	var allowed bool
	err := b.pool.GetContext(ctx, &allowed, `select $2 <= statement_timestamp()
		or exists (select from satchel.day_files where id = $1 and `+visible+`)`, id, expiresAt)
	if err == nil && !allowed {
		err = sql.ErrNoRows
	}
	return dayFileError(err)
}

// AccountDayFile reads this version of a file of this account. One of another
// account, or that may not be downloaded any more, is NotFound.
func (b *BulkExports) AccountDayFile(ctx context.Context, account, id string) (schema.DayFile, error) {
	if !schema.IsDayFileID(id) {
		return schema.DayFile{}, dayFileError(sql.ErrNoRows)
	}
	var f schema.DayFile
	err := b.pool.GetContext(ctx, &f, `select `+dayFileColumns+` from satchel.day_files where account_sid = $1 and id = $2 and `+visible, account, id)
	return f, dayFileError(err)
}

func dayFileError(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return schema.Errorf(schema.NotFound, schema.CodeDayFileNotFound, "There is no such file.")
	}
	return sqlstate.Wrap("read day file", err)
}
