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

// EraseCalls records calls as erased, with an audit row for each new one, and returns
// how many were new. No file that was read before it is published after it, and files
// of their days are outdated. New calls, and those that were requested again, are due
// at once. A zero At is now.
func (b *BulkExports) EraseCalls(ctx context.Context, r schema.ErasureRecord) (added int, err error) {
	if len(r.Calls) == 0 {
		return 0, nil
	}
	sids, days := make([]string, len(r.Calls)), make([]schema.Day, len(r.Calls))
	for i, c := range r.Calls {
		sids[i], days[i] = c.Call, c.Day
	}
	err = b.inTx(ctx, "erase calls", func(tx *sqlx.Tx) error {
		if err := lockErasures(ctx, tx, r.Account, days...); err != nil {
			return err
		}
		if err := lockErasureQueue(ctx, tx, r.Account); err != nil {
			return err
		}
		return tx.GetContext(ctx, &added, `with request as (select coalesce($6::timestamptz, clock_timestamp()) as at),
			erased as (
				insert into satchel.erased_calls (account_sid, call_sid, day, at, erase_until)
				select $1, call, day, at, at + `+eraseFor+` from request, unnest($2::text[], $3::date[]) as c (call, day) order by call
				on conflict do nothing returning call_sid, day),
			again as (
				update satchel.erased_calls e set erase_again_at = clock_timestamp(), erase_until = r.at + `+eraseFor+` from request r
				where account_sid = $1 and call_sid = any ($2) and erase_until < r.at + `+eraseFor+` returning call_sid),
			queued as (
				insert into satchel.erasure_queue as q (account_sid, due_at)
				select $1, clock_timestamp() where exists (select from erased) or exists (select from again)
				on conflict (account_sid) do update set due_at = least(q.due_at, excluded.due_at)),
			outdated as (
				update satchel.day_files f set outdated_since = least(f.outdated_since, r.at)
				from request r, (select distinct day from erased) e
				where f.account_sid = $1 and f.resource_type = `+sqlText(schema.Calls)+` and f.day = e.day),
			audited as (
				insert into satchel.audit (account_sid, subject, actor, action)
				select $1, call_sid, $4, $5 from erased)
			select count(*) from erased`, r.Account, pq.Array(sids), pq.Array(days), actor(r.By), ActionErased, nullTime(r.At))
	})
	return added, err
}

// ErasureLogPosition returns the key of the last erasure in the bucket up to which
// all are recorded, or "".
func (b *BulkExports) ErasureLogPosition(ctx context.Context) (key string, err error) {
	err = b.pool.GetContext(ctx, &key, `select last_key from satchel.erasure_log`)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return key, sqlstate.Wrap("read position of erasures", err)
}

// AdvanceErasureLog records that all erasures in the bucket up to this key are
// recorded. It never goes back.
func (b *BulkExports) AdvanceErasureLog(ctx context.Context, key string) error {
	_, err := b.pool.ExecContext(ctx, `insert into satchel.erasure_log as l (last_key) values ($1)
		on conflict (one) do update set last_key = greatest(l.last_key collate "C", excluded.last_key collate "C")`, key)
	return sqlstate.Wrap("record position of erasures", err)
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
	// eraseFor is how long after an erasure was requested it is repeated, in SQL:
	// until then the platform may move the call's record to its archive. It keeps a
	// record for thirteen months.
	eraseFor = `interval '14 months'`
	// eraseEvery is the time between two deletions from the archive, in SQL.
	eraseEvery = `interval '1 day'`
	// eraseRetry is the time before failed deletions of an account are repeated, in SQL.
	eraseRetry = `interval '10 minutes'`
)

// DueErasures lists up to perAccount erased calls of each of up to limit accounts,
// to delete from the archive for the first time or again. The account that has
// waited longest comes first.
func (b *BulkExports) DueErasures(ctx context.Context, limit, perAccount int) ([]schema.Erasures, error) {
	var rows []struct {
		Account string         `db:"account_sid"`
		Calls   pq.StringArray `db:"calls"`
	}
	err := b.pool.SelectContext(ctx, &rows, `select account_sid, array(
			select call_sid from satchel.erased_calls e
			where e.account_sid = q.account_sid and erase_again_at <= statement_timestamp() order by erase_again_at limit $2) as calls
		from satchel.erasure_queue q where due_at <= statement_timestamp() order by due_at, account_sid limit $1`, limit, perAccount)
	due := make([]schema.Erasures, len(rows))
	for i, r := range rows {
		due[i] = schema.Erasures{Account: r.Account, Calls: r.Calls}
	}
	return due, sqlstate.Wrap("list due erasures", err)
}

// RecordErased records that erased calls are not in the archive now. They are due
// again after a day, as long as the platform may still move them there.
func (b *BulkExports) RecordErased(ctx context.Context, e schema.Erasures) error {
	return b.inTx(ctx, "record erasures from the archive", func(tx *sqlx.Tx) error {
		if err := lockErasureQueue(ctx, tx, e.Account); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `update satchel.erased_calls
			set erase_again_at = case when erase_until > statement_timestamp() then clock_timestamp() + `+eraseEvery+` end
			where account_sid = $1 and call_sid = any ($2) and erase_again_at is not null`, e.Account, pq.Array(e.Calls)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `with next as (
				select min(erase_again_at) as at from satchel.erased_calls where account_sid = $1 and erase_again_at is not null),
			over as (delete from satchel.erasure_queue where account_sid = $1 and (select at from next) is null)
			update satchel.erasure_queue set due_at = next.at from next where account_sid = $1 and next.at is not null`, e.Account)
		return err
	})
}

// RecordErasureFailed moves the account behind all others: its erased calls are due
// again after a pause.
func (b *BulkExports) RecordErasureFailed(ctx context.Context, account string) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.erasure_queue set due_at = clock_timestamp() + `+eraseRetry+` where account_sid = $1`, account)
	return sqlstate.Wrap("record a failed erasure", err)
}

// lockErasureQueue locks the account's place in the queue before its calls, always in
// this order, so that two transactions cannot deadlock.
func lockErasureQueue(ctx context.Context, tx *sqlx.Tx, account string) error {
	_, err := tx.ExecContext(ctx, `select from satchel.erasure_queue where account_sid = $1 for update`, account)
	return err
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
