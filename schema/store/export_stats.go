package store

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// ExportStats counts all exports, for metrics.
type ExportStats struct {
	Count  map[schema.Status]int64 // of ended ones, those of the last day
	Oldest time.Duration           // age of the oldest active one
}

// ExportStats counts exports by status.
func (a *AccountExports) ExportStats(ctx context.Context) (ExportStats, error) {
	var rows []struct {
		Status schema.Status `db:"status"`
		Count  int64         `db:"count"`
		Oldest float64       `db:"oldest"`
	}
	err := a.pool.SelectContext(ctx, &rows, `select status, count(*) as count,
		extract(epoch from statement_timestamp() - min(requested_at))::float8 as oldest
		from satchel.exports where status in `+unendedStatuses+`
			or status in `+endedStatuses+` and ended_at > statement_timestamp() - interval '1 day'
		group by status`)
	stats := ExportStats{Count: make(map[schema.Status]int64, len(schema.Statuses))}
	for _, r := range rows {
		stats.Count[r.Status] = r.Count
		if age := time.Duration(r.Oldest * float64(time.Second)); r.Status.Cancellable() && age > stats.Oldest {
			stats.Oldest = age
		}
	}
	return stats, sqlstate.Wrap("count exports", err)
}
