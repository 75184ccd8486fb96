package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

// EraseCalls records calls as erased, with an audit row for each new one. No file
// that was read before it is published after it. All of them are due at once.
func (b *BulkExports) EraseCalls(ctx context.Context, account, by string, calls []schema.Erasure) error {
	if len(calls) == 0 {
		return nil
	}
	sids, days := make([]string, len(calls)), make([]schema.Day, len(calls))
	for i, c := range calls {
		sids[i], days[i] = c.Call, c.Day
	}
	return b.inTx(ctx, "erase calls", func(tx *sqlx.Tx) error {
		if err := lockErasures(ctx, tx, account, days...); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `with erased as (
				insert into satchel.erased_calls (account_sid, call_sid, day)
				select $1, call, day from unnest($2::text[], $3::date[]) as c (call, day) order by call
				on conflict do nothing returning call_sid),
			due as (
				update satchel.erased_calls set erase_again_at = clock_timestamp()
				where account_sid = $1 and call_sid = any ($2) and erase_again_at is null)
			insert into satchel.audit (account_sid, subject, actor, action)
			select $1, call_sid, $4, $5 from erased`, account, pq.Array(sids), pq.Array(days), actor(by), ActionErased)
		return err
	})
}

// ErasedCalls lists the account's erased calls of a day, in order.
func (b *BulkExports) ErasedCalls(ctx context.Context, account string, day schema.Day) ([]string, error) {
	calls := []string{}
	err := b.pool.SelectContext(ctx, &calls, `select call_sid from satchel.erased_calls
		where account_sid = $1 and day = $2 order by call_sid`, account, day)
	return calls, sqlstate.Wrap("list erased calls", err)
}

// ErasedCall reports whether a call of the account was erased, and the day it
// was made.
func (b *BulkExports) ErasedCall(ctx context.Context, account, call string) (schema.Day, bool, error) {
	var day schema.Day
	err := b.pool.GetContext(ctx, &day, `select to_char(day, 'YYYY-MM-DD') from satchel.erased_calls
		where account_sid = $1 and call_sid = $2`, account, call)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return day, err == nil, sqlstate.Wrap("find erased call", err)
}

const (
	// archivedWithin is the age of a call, in SQL, by which the platform has moved
	// it to its archive: a month more than it keeps the record.
	archivedWithin = `interval '14 months'`
	// eraseEvery is the time between two deletions from the archive, in SQL.
	eraseEvery = `interval '1 day'`
)

// DueErasures lists erased calls to delete from the archive, for the first time
// or again, the longest due first, up to limit calls.
func (b *BulkExports) DueErasures(ctx context.Context, limit int) ([]schema.Erasures, error) {
	var rows []struct {
		Account string         `db:"account_sid"`
		Calls   pq.StringArray `db:"calls"`
	}
	err := b.pool.SelectContext(ctx, &rows, `select account_sid, array_agg(call_sid) as calls from (
			select account_sid, call_sid from satchel.erased_calls
			where erase_again_at <= clock_timestamp() order by erase_again_at limit $1) due
		group by account_sid order by account_sid`, limit)
	due := make([]schema.Erasures, len(rows))
	for i, r := range rows {
		due[i] = schema.Erasures{Account: r.Account, Calls: r.Calls}
	}
	return due, sqlstate.Wrap("list due erasures", err)
}

// RecordErased records that erased calls are not in the archive now. They are due
// again after a day, as long as the platform may still move them there.
func (b *BulkExports) RecordErased(ctx context.Context, e schema.Erasures) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.erased_calls
		set erase_again_at = case when day >= clock_timestamp() at time zone 'UTC' - `+archivedWithin+` then clock_timestamp() + `+eraseEvery+` end
		where account_sid = $1 and call_sid = any ($2) and erase_again_at is not null`, e.Account, pq.Array(e.Calls))
	return sqlstate.Wrap("record erasures from the archive", err)
}

// lockErasures excludes erasures and publications of the same account and day
// until the transaction ends. Days are locked in order, so that two transactions
// cannot deadlock.
func lockErasures(ctx context.Context, tx *sqlx.Tx, account string, days ...schema.Day) error {
	days = slices.Clone(days)
	slices.Sort(days)
	for _, day := range slices.Compact(days) {
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock(hashtextextended('erase ' || $1 || $2, 0))`, account, string(day)); err != nil {
			return err
		}
	}
	return nil
}
