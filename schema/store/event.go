package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

var eventColumns = `id, account_sid, resource_type, job_id, coalesce(to_char(day, 'YYYY-MM-DD'), '') as day,
	webhook_url, webhook_method, friendly_name,
	coalesce(to_char(start_day, 'YYYY-MM-DD'), '') as start_day, coalesce(to_char(end_day, 'YYYY-MM-DD'), '') as end_day,
	days_completed, days_empty, days_failed, at, status, attempts, ` + undelivered("job_id") + ` as undelivered`

// maxAttemptsRead limits the attempts that are read of an event. The latest are
// kept.
const maxAttemptsRead = 5

// OpenEvent writes an event to be delivered. One that exists stays as it is. A
// zero At is now by the database's clock.
func (b *BulkExports) OpenEvent(ctx context.Context, e schema.Event) error {
	_, err := b.pool.ExecContext(ctx, `insert into satchel.events (id, account_sid, resource_type, job_id, day, webhook_url, webhook_method,
			friendly_name, start_day, end_day, days_completed, days_empty, days_failed, at)
		values ($1, $2, $3, $4, nullif($5, '')::date, $6, $7, $8, nullif($9, '')::date, nullif($10, '')::date, $11, $12, $13,
			coalesce($14::timestamptz, clock_timestamp()))
		on conflict (id) do nothing`,
		e.ID, e.Account, e.Type, e.Job, e.Day, e.URL, e.Method, e.Name, e.Start, e.End, e.Completed, e.Empty, e.Failed, nullTime(e.At))
	return sqlstate.Wrap("open event", err)
}

// Event reads an event with its latest attempts.
func (b *BulkExports) Event(ctx context.Context, id string) (schema.Event, error) {
	return b.event(ctx, id, `id = $1`, id)
}

// AccountEvent reads an event of this account. One of another account is
// NotFound.
func (b *BulkExports) AccountEvent(ctx context.Context, account, id string) (schema.Event, error) {
	return b.event(ctx, id, `id = $1 and account_sid = $2`, id, account)
}

// Events lists the account's latest events with their latest attempts, newest
// first.
func (b *BulkExports) Events(ctx context.Context, account string, limit int) ([]schema.Event, error) {
	return b.EventsBefore(ctx, account, "", limit)
}

// EventsBefore is Events after the one named before, or from the newest on if
// that is "".
func (b *BulkExports) EventsBefore(ctx context.Context, account, before string, limit int) ([]schema.Event, error) {
	return b.events(ctx, `account_sid = $1 and ($3 = '' or exists (select from satchel.events b where b.account_sid = $1 and b.id = nullif($3, '')::uuid
			and (events.at < b.at or events.at = b.at and events.id > b.id)))
		order by at desc, id limit $2`, account, limit, before)
}

func (b *BulkExports) event(ctx context.Context, id, which string, args ...any) (schema.Event, error) {
	if !schema.IsEventID(id) {
		return schema.Event{}, eventNotFound()
	}
	list, err := b.events(ctx, which, args...)
	if err == nil && len(list) == 0 {
		err = eventNotFound()
	}
	if err != nil {
		return schema.Event{}, err
	}
	return list[0], nil
}

func (b *BulkExports) events(ctx context.Context, which string, args ...any) ([]schema.Event, error) {
	list := []schema.Event{}
	if err := b.pool.SelectContext(ctx, &list, `select `+eventColumns+` from satchel.events where `+which, args...); err != nil || len(list) == 0 {
		return list, sqlstate.Wrap("read events", err)
	}
	ids, index := make([]string, len(list)), make(map[string]int, len(list))
	for i, e := range list {
		ids[i], index[e.ID] = e.ID, i
	}
	var attempts []struct {
		Event string `db:"event_id"`
		schema.EventAttempt
	}
	err := b.pool.SelectContext(ctx, &attempts, `select t.* from unnest($1::uuid[]) e cross join lateral (
			select event_id, at, http_status, outcome, took_ms from satchel.event_attempts
			where event_id = e order by at desc limit $2) t
		order by t.at desc`, pq.Array(ids), maxAttemptsRead)
	for _, t := range attempts {
		e := &list[index[t.Event]]
		e.Log = append(e.Log, t.EventAttempt)
	}
	return list, sqlstate.Wrap("read attempts", err)
}

// CountPendingEvents counts the account's events that are being delivered, up to most.
func (b *BulkExports) CountPendingEvents(ctx context.Context, account string, most int) (int, error) {
	var n int
	err := b.pool.GetContext(ctx, &n, `select count(*) from (select from satchel.events
		where account_sid = $1 and status = $2 limit $3) pending`, account, schema.EventPending, most)
	return n, sqlstate.Wrap("count pending events", err)
}

// RecordAttempt adds an attempt to the event's log. A successful one moves the event to
// delivered.
func (b *BulkExports) RecordAttempt(ctx context.Context, event string, t schema.EventAttempt) error {
	return b.inTx(ctx, "record attempt", func(tx *sqlx.Tx) error {
		updated, err := tx.ExecContext(ctx, `update satchel.events set attempts = attempts + 1,
			status = case when $2 = $3 then $3 else status end where id = $1`, event, t.Outcome, string(schema.EventDelivered))
		if err != nil {
			return err
		}
		if n, err := updated.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return eventNotFound()
		}
		_, err = tx.ExecContext(ctx, `insert into satchel.event_attempts (event_id, at, http_status, outcome, took_ms)
			values ($1, coalesce($2::timestamptz, clock_timestamp()), $3, $4, $5)`, event, nullTime(t.At), t.HTTPStatus, t.Outcome, t.Took)
		return err
	})
}

// ReopenEvent moves an event that was delivered or has failed back to pending.
func (b *BulkExports) ReopenEvent(ctx context.Context, event string) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.events set status = $2 where id = $1 and status in ($3, $4)`,
		event, schema.EventPending, schema.EventFailed, schema.EventDelivered)
	return sqlstate.Wrap("reopen event", err)
}

// MarkEventFailed moves a pending event to failed. Any other stays as it is.
func (b *BulkExports) MarkEventFailed(ctx context.Context, event string) error {
	_, err := b.pool.ExecContext(ctx, `update satchel.events set status = $3 where id = $1 and status = $2`,
		event, schema.EventPending, schema.EventFailed)
	return sqlstate.Wrap("mark event failed", err)
}

// nullTime returns nil for the zero time, so that the database's clock is used.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func eventNotFound() error {
	return schema.Errorf(schema.NotFound, schema.CodeEventNotFound, "There is no such event.")
}
