package store

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

const dayFileColumns = `id, account_sid, resource_type, to_char(day, 'YYYY-MM-DD') as day, job_id, friendly_name,
	records, size, sha256, created_at, expires_at, seq`

// kept is true of a day file that can be read: its key is there, and its time
// is not over by the database's clock.
const kept = `wrapped is not null and expires_at > clock_timestamp()`

// outdated is true of a file with a call that was erased before so long: none
// is published that was known to have one, so it was noted after that.
func outdated(ago string) string {
	return `resource_type = 'Calls' and exists (select from satchel.erased_calls e
		where e.account_sid = day_files.account_sid and e.day = day_files.day
		and e.at > day_files.created_at and e.at <= clock_timestamp() - interval '` + ago + `')`
}

// seen is true of a day file that anybody may read. One that should have been
// made again for minutes is hidden until it is: whatever keeps it from being made,
// what was erased is gone from it in time.
var seen = kept + ` and not (` + outdated("5 minutes") + `)`

// DayFiles lists the account's files of a type in the order in which they were
// made, behind the given place in it.
func (s *Store) DayFiles(ctx context.Context, account string, t schema.ResourceType, afterSeq int64, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := s.db.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where account_sid = $1 and resource_type = $2 and seq > $3 and `+seen+` order by seq limit $4`, account, t, afterSeq, limit)
	return list, sqlstate.Wrap("list day files", err)
}

// CurrentDayFiles lists the account's files of all types, newest first.
func (s *Store) CurrentDayFiles(ctx context.Context, account string, limit int) ([]schema.DayFile, error) {
	return s.CurrentDayFilesBefore(ctx, account, math.MaxInt64, limit)
}

// CurrentDayFilesBefore is CurrentDayFiles behind the given place in the order
// in which they were made.
func (s *Store) CurrentDayFilesBefore(ctx context.Context, account string, seq int64, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := s.db.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where account_sid = $1 and seq < $3 and `+seen+` order by seq desc limit $2`, account, limit, seq)
	return list, sqlstate.Wrap("list day files", err)
}

// DayFile reads the account's file of a type and day. One that cannot be read
// any more does not exist.
func (s *Store) DayFile(ctx context.Context, account string, t schema.ResourceType, day schema.Day) (schema.DayFile, error) {
	var f schema.DayFile
	err := s.db.GetContext(ctx, &f, `select `+dayFileColumns+` from satchel.day_files
		where account_sid = $1 and resource_type = $2 and day = $3 and `+seen, account, t, day)
	return f, fileError(err)
}

// Outdated tells whether the account's file of calls of a day is there and has
// one that was erased since it was published.
func (s *Store) Outdated(ctx context.Context, account string, day schema.Day) (bool, error) {
	var is bool
	err := s.db.GetContext(ctx, &is, `select exists (select from satchel.day_files
		where account_sid = $1 and day = $2 and `+kept+` and `+outdated("0")+`)`, account, day)
	return is, sqlstate.Wrap("look for an outdated day file", err)
}

// OutdatedDays lists all such files by ID, behind after.
func (s *Store) OutdatedDays(ctx context.Context, after string, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := s.db.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where id > $1 and `+kept+` and `+outdated("0")+` order by id limit $2`, after, limit)
	return list, sqlstate.Wrap("find outdated day files", err)
}

// OpenDayFile reads what is needed to hand out this version of a file, its key
// still wrapped. One that was replaced, or whose time is over, does not exist.
func (s *Store) OpenDayFile(ctx context.Context, id string) (f schema.DayFile, wrapped []byte, err error) {
	var row struct {
		schema.DayFile
		Wrapped []byte `db:"wrapped"`
	}
	err = s.db.GetContext(ctx, &row, `select `+dayFileColumns+`, wrapped from satchel.day_files where id = $1 and `+seen, id)
	return row.DayFile, row.Wrapped, fileError(err)
}

// AccountDayFile reads this version of a file of this account; another account's
// does not exist, nor one that cannot be read any more.
func (s *Store) AccountDayFile(ctx context.Context, account, id string) (schema.DayFile, error) {
	if !schema.IsDayFileID(id) {
		return schema.DayFile{}, fileError(sql.ErrNoRows)
	}
	var f schema.DayFile
	err := s.db.GetContext(ctx, &f, `select `+dayFileColumns+` from satchel.day_files where account_sid = $1 and id = $2 and `+seen, account, id)
	return f, fileError(err)
}

func fileError(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return schema.Errorf(schema.NotFound, schema.CodeDayFileNotFound, "There is no such file.")
	}
	return sqlstate.Wrap("read day file", err)
}
