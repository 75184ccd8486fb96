package store

import (
	"context"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// DayFileFilter selects day files of an account.
type DayFileFilter struct {
	Type  schema.ResourceType // "" for all
	Empty bool                // files without records, too
}

const dayFileFilter = `account_sid = $1 and ($2 = '' or resource_type = $2) and (records > 0 or $3)`

// FilteredDayFiles lists the account's files that the filter selects, newest first,
// of those that were published before the given Seq.
func (b *BulkExports) FilteredDayFiles(ctx context.Context, account string, f DayFileFilter, seq int64, limit int) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := b.pool.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where `+dayFileFilter+` and seq < $4 and `+visible+` order by seq desc limit $5`, account, f.Type, f.Empty, seq, limit)
	return list, sqlstate.Wrap("list day files", err)
}

// DayFileCounts are numbers of an account's files.
type DayFileCounts struct {
	All   int `db:"files"`
	Empty int `db:"empty"` // without records
}

// CountDayFiles counts the account's files of a type, or of all types if it is "".
func (b *BulkExports) CountDayFiles(ctx context.Context, account string, t schema.ResourceType) (n DayFileCounts, err error) {
	err = b.pool.GetContext(ctx, &n, `select count(*) as files, count(*) filter (where records = 0) as empty
		from satchel.day_files where account_sid = $1 and ($2 = '' or resource_type = $2) and `+visible, account, t)
	return n, sqlstate.Wrap("count day files", err)
}

// CurrentDayFiles lists the account's files of a type and of the days from first to
// last, in order of day.
func (b *BulkExports) CurrentDayFiles(ctx context.Context, account string, t schema.ResourceType, first, last schema.Day) ([]schema.DayFile, error) {
	list := []schema.DayFile{}
	err := b.pool.SelectContext(ctx, &list, `select `+dayFileColumns+` from satchel.day_files
		where account_sid = $1 and resource_type = $2 and day between $3 and $4 and `+visible+` order by day`, account, t, first, last)
	return list, sqlstate.Wrap("list day files", err)
}
