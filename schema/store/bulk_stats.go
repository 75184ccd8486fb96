package store

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// BulkStats counts all bulk exports, for metrics.
type BulkStats struct {
	Jobs   int64         // that have not ended
	Oldest time.Duration // age of the oldest of them
	Files  int64         // of days, expired ones included
	Bytes  int64         // of them
	Events int64         // pending
}

// BulkStats counts jobs, day files and events.
func (b *BulkExports) BulkStats(ctx context.Context) (BulkStats, error) {
	var row struct {
		BulkStats
		Seconds float64 `db:"seconds"`
	}
	err := b.pool.GetContext(ctx, &row, `select jobs, seconds, files, bytes, events from
		(select count(*) as jobs, coalesce(extract(epoch from statement_timestamp() - min(created_at)), 0)::float8 as seconds
			from satchel.jobs where ended_at is null) j,
		(select count(*) as files, coalesce(sum(size), 0)::bigint as bytes from satchel.day_files) f,
		(select count(*) as events from satchel.events where status = `+sqlText(schema.EventPending)+`) e`)
	row.Oldest = max(0, time.Duration(row.Seconds*float64(time.Second)))
	return row.BulkStats, sqlstate.Wrap("count bulk exports", err)
}
