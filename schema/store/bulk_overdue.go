package store

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// OverdueJobs lists the IDs of jobs that may have lost their workflow: they were
// created longer than grace ago and have not ended. They are in order, after the
// given ID.
func (b *BulkExports) OverdueJobs(ctx context.Context, grace time.Duration, after string, limit int) ([]string, error) {
	ids := []string{}
	err := b.pool.SelectContext(ctx, &ids, `select id from satchel.jobs
		where ended_at is null and created_at < statement_timestamp() - $1 * interval '1 microsecond'
		and id > $2 order by id limit $3`, grace.Microseconds(), after, limit)
	return ids, sqlstate.Wrap("find overdue jobs", err)
}

// JobsWithoutEmail lists ID and account of jobs whose e-mail at their end may have
// lost its workflow: they ended longer than grace ago and no longer than within,
// were not deleted, have an address, and the e-mail has no outcome. They are in
// order of ID, after the given one.
func (b *BulkExports) JobsWithoutEmail(ctx context.Context, emailKey string, grace, within time.Duration, after string, limit int) ([]schema.Job, error) {
	list := []schema.Job{}
	err := b.pool.SelectContext(ctx, &list, `with late as materialized ( -- else the planner walks all jobs in order of ID
			select id, account_sid from satchel.jobs
			where ended_at < statement_timestamp() - $1 * interval '1 microsecond' and ended_at > statement_timestamp() - $2 * interval '1 microsecond'
			and email <> '' and deleting_at is null and id > $3)
		select id, account_sid from late
		where (select true from satchel.emails where subject = id and email_key = $4) is null -- a look for each, not a join with all
		order by id limit $5`, grace.Microseconds(), within.Microseconds(), after, emailKey, limit)
	return list, sqlstate.Wrap("find jobs without an e-mail", err)
}

// PendingEvents lists ID and account of events whose delivery may have lost its
// workflow: they happened longer than grace ago and are pending. They are in
// order of ID, after the given one.
func (b *BulkExports) PendingEvents(ctx context.Context, grace time.Duration, after string, limit int) ([]schema.Event, error) {
	list := []schema.Event{}
	err := b.pool.SelectContext(ctx, &list, `select id, account_sid from satchel.events
		where status = `+sqlText(schema.EventPending)+` and at < statement_timestamp() - $1 * interval '1 microsecond'
		and ($2 = '' or id > nullif($2, '')::uuid) order by id limit $3`, grace.Microseconds(), after, limit)
	return list, sqlstate.Wrap("find pending events", err)
}
