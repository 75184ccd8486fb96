package store

import (
	"context"
	"time"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

const (
	// purgeBatch is how many rows one statement deletes: it holds its locks only briefly.
	purgeBatch = 200
	// purgeBatches bounds what one call deletes of a table. The next call continues.
	purgeBatches = 500
)

// PurgeBulk deletes jobs that ended longer than kept ago, with their days and
// e-mail outcomes; events as old that are not pending, with their attempts, and
// pending ones so old that no workflow can still be delivering them; and quotas
// of past days.
func (b *BulkExports) PurgeBulk(ctx context.Context, kept time.Duration) error {
	if err := b.purge(ctx, "purge jobs", `with old as (
			select id from satchel.jobs where ended_at < statement_timestamp() - $2 * interval '1 microsecond' order by ended_at limit $1),
		emails as (delete from satchel.emails where subject = any (array(select id from old)))
		delete from satchel.jobs where id = any (array(select id from old))`, kept.Microseconds()); err != nil {
		return err
	}
	if err := b.purge(ctx, "purge events", `delete from satchel.events where id = any (array(
			select id from satchel.events where at < statement_timestamp() - $2 * interval '1 microsecond'
			and (status <> $3 or at < statement_timestamp() - ($2 + $4) * interval '1 microsecond') order by at limit $1))`,
		kept.Microseconds(), schema.EventPending, (2 * schema.WebhookRetryWindow).Microseconds()); err != nil {
		return err
	}
	return b.purge(ctx, "purge quotas", `delete from satchel.bulk_quota where (account_sid, day) in (
		select account_sid, day from satchel.bulk_quota where day < (statement_timestamp() at time zone 'UTC')::date order by day limit $1)`)
}

// PurgeHistory deletes exports that ended longer than r.History ago, with all that
// is known of them, once their removal is proven and their cooldown is over; daily
// exports that have been switched off for as long, with their webhook; audit rows
// older than r.Audit; and sessions that have expired.
//
// Erased calls and unsubscriptions are kept: without the row, the call could be in a
// new file, and the person would get notices again.
func (db *DB) PurgeHistory(ctx context.Context, r schema.HistoryRetention) error {
	history := r.History.Microseconds()
	if err := db.purge(ctx, "purge exports", `with old as (
			select id from satchel.exports e where status in `+endedStatuses+`
			and ended_at < statement_timestamp() - $2 * interval '1 microsecond'
			and (available_again_at is null or available_again_at < statement_timestamp())
			and not exists (select from satchel.export_keys where export_id = e.id)
			and not exists (select from satchel.removals where export_id = e.id and certified_at is null)
			limit $1),
		emails as (delete from satchel.emails where subject = any (array(select id from old))),
		categories as (delete from satchel.categories where export_id = any (array(select id from old))),
		pieces as (delete from satchel.pieces where export_id = any (array(select id from old))),
		segments as (delete from satchel.segments where export_id = any (array(select id from old))),
		removals as (delete from satchel.removals where export_id = any (array(select id from old)))
		delete from satchel.exports where id = any (array(select id from old))`, history); err != nil {
		return err
	}
	if err := db.purge(ctx, "purge daily exports", `delete from satchel.bulk_configurations where not enabled and (account_sid, resource_type) in (
			select account_sid, resource_type from satchel.bulk_configurations
			where not enabled and changed_at < statement_timestamp() - $2 * interval '1 microsecond' order by changed_at limit $1)`, history); err != nil {
		return err
	}
	if err := db.purgeAudit(ctx, r.Audit); err != nil {
		return err
	}
	return db.purge(ctx, "purge sessions", `delete from satchel.sessions where token = any (array(
		select token from satchel.sessions where expiry < statement_timestamp() order by expiry limit $1))`)
}

// purgeAudit deletes audit rows that are older than kept, and than a year. The role of
// the programs may not delete any; a function of the tables' owner does.
func (db *DB) purgeAudit(ctx context.Context, kept time.Duration) error {
	for range purgeBatches {
		var n int64
		err := db.pool.GetContext(ctx, &n, `select satchel.purge_audit($1 * interval '1 microsecond', $2)`, kept.Microseconds(), purgeBatch)
		if err != nil || n < purgeBatch {
			return sqlstate.Wrap("purge audit", err)
		}
	}
	return nil
}

// purge executes a statement that deletes up to $1 rows, in batches, until it finds
// fewer. The IDs of a batch are an array: with a join, Postgres may scan the table for
// each batch.
func (db *DB) purge(ctx context.Context, op, statement string, args ...any) error {
	for range purgeBatches {
		done, err := db.pool.ExecContext(ctx, statement, append([]any{purgeBatch}, args...)...)
		if err != nil {
			return sqlstate.Wrap(op, err)
		}
		if n, err := done.RowsAffected(); err != nil || n < purgeBatch {
			return sqlstate.Wrap(op, err)
		}
	}
	return nil
}
