package store

import (
	"context"

	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// AccountSummaries sums up the bulk exports of each account.
func (b *BulkExports) AccountSummaries(ctx context.Context, accounts []string) (map[string]schema.AccountSummary, error) {
	var rows []struct {
		Account string         `db:"account_sid"`
		Jobs    int            `db:"jobs"`
		Files   int            `db:"files"`
		Daily   pq.StringArray `db:"daily"`
		Days    int            `db:"days_today"`
	}
	err := b.pool.SelectContext(ctx, &rows, `select a as account_sid,
			(select count(*) from satchel.jobs where account_sid = a and ended_at is null) as jobs,
			(select count(*) from satchel.day_files where account_sid = a and `+visible+`) as files,
			array(select resource_type from satchel.bulk_configurations where account_sid = a and enabled) as daily,
			(select coalesce(sum(end_day - start_day + 1), 0) from satchel.jobs where account_sid = a
				and created_at >= date_trunc('day', statement_timestamp() at time zone 'UTC') at time zone 'UTC') as days_today
		from unnest($1::text[]) a`, pq.Array(accounts))
	summaries := make(map[string]schema.AccountSummary, len(rows))
	for _, r := range rows {
		summary := schema.AccountSummary{Jobs: r.Jobs, Files: r.Files, DaysToday: r.Days}
		for _, t := range schema.ResourceTypes {
			for _, daily := range r.Daily {
				if string(t) == daily {
					summary.Daily = append(summary.Daily, t)
				}
			}
		}
		summaries[r.Account] = summary
	}
	return summaries, sqlstate.Wrap("sum up accounts", err)
}
