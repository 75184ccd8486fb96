package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"satchel/schema"
	"satchel/schema/store/sqlstate"
)

const eventColumns = `id, account_sid, resource_type, job_id, coalesce(to_char(day, 'YYYY-MM-DD'), '') as day,
	webhook_url, webhook_method, friendly_name,
	coalesce(to_char(start_day, 'YYYY-MM-DD'), '') as start_day, coalesce(to_char(end_day, 'YYYY-MM-DD'), '') as end_day,
	days_completed, days_empty, days_failed, at, status, tries`

// shownTries is how many tries of an event are read, the latest first.
const shownTries = 5

// OpenEvent writes an event that is to be delivered. One that is there stays
// as it is. It happened when e says, or now by the database's clock.
func (s *Store) OpenEvent(ctx context.Context, e schema.Event) error {
	_, err := s.db.ExecContext(ctx, `insert into satchel.events (id, account_sid, resource_type, job_id, day, webhook_url, webhook_method,
			friendly_name, start_day, end_day, days_completed, days_empty, days_failed, at)
		values ($1, $2, $3, $4, nullif($5, '')::date, $6, $7, $8, nullif($9, '')::date, nullif($10, '')::date, $11, $12, $13,
			coalesce($14::timestamptz, clock_timestamp()))
		on conflict (id) do nothing`,
		e.ID, e.Account, e.Type, e.Job, e.Day, e.URL, e.Method, e.Name, e.Start, e.End, e.Completed, e.Empty, e.Failed, orNow(e.At))
	return sqlstate.Wrap("open event", err)
}

// Event reads an event with its latest tries.
func (s *Store) Event(ctx context.Context, id string) (schema.Event, error) {
	return s.event(ctx, id, `id = $1`, id)
}

// AccountEvent reads an event of this account; another account's does not
// exist.
func (s *Store) AccountEvent(ctx context.Context, account, id string) (schema.Event, error) {
	return s.event(ctx, id, `id = $1 and account_sid = $2`, id, account)
}

// Events lists the account's latest events with their latest tries, newest
// first.
func (s *Store) Events(ctx context.Context, account string, limit int) ([]schema.Event, error) {
	return s.EventsBefore(ctx, account, "", limit)
}

// EventsBefore is Events behind one of them, or from the newest on where that is
// "".
func (s *Store) EventsBefore(ctx context.Context, account, before string, limit int) ([]schema.Event, error) {
	return s.events(ctx, `account_sid = $1 and ($3 = '' or exists (select from satchel.events b where b.account_sid = $1 and b.id = nullif($3, '')::uuid
			and (events.at < b.at or events.at = b.at and events.id > b.id)))
		order by at desc, id limit $2`, account, limit, before)
}

func (s *Store) event(ctx context.Context, id, which string, args ...any) (schema.Event, error) {
	if !schema.IsEventID(id) {
		return schema.Event{}, noEvent()
	}
	list, err := s.events(ctx, which, args...)
	if err == nil && len(list) == 0 {
		err = noEvent()
	}
	if err != nil {
		return schema.Event{}, err
	}
	return list[0], nil
}

func (s *Store) events(ctx context.Context, which string, args ...any) ([]schema.Event, error) {
	list := []schema.Event{}
	if err := s.db.SelectContext(ctx, &list, `select `+eventColumns+` from satchel.events where `+which, args...); err != nil || len(list) == 0 {
		return list, sqlstate.Wrap("read events", err)
	}
	ids, place := make([]string, len(list)), make(map[string]int, len(list))
	for i, e := range list {
		ids[i], place[e.ID] = e.ID, i
	}
	var tries []struct {
		Event string `db:"event_id"`
		schema.EventTry
	}
	err := s.db.SelectContext(ctx, &tries, `select t.* from unnest($1::uuid[]) e cross join lateral (
			select event_id, at, http_status, outcome, took_ms from satchel.event_tries
			where event_id = e order by at desc limit $2) t
		order by t.at desc`, pq.Array(ids), shownTries)
	for _, t := range tries {
		e := &list[place[t.Event]]
		e.Log = append(e.Log, t.EventTry)
	}
	return list, sqlstate.Wrap("read tries", err)
}

// NoteTry adds to the event's log. Where it was delivered, so is the event.
func (s *Store) NoteTry(ctx context.Context, event string, t schema.EventTry) error {
	return s.inTx(ctx, "note a try", func(tx *sqlx.Tx) error {
		noted, err := tx.ExecContext(ctx, `update satchel.events set tries = tries + 1,
			status = case when $2 = $3 then $3 else status end where id = $1`, event, t.Outcome, string(schema.EventDelivered))
		if err != nil {
			return err
		}
		if n, err := noted.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return noEvent()
		}
		_, err = tx.ExecContext(ctx, `insert into satchel.event_tries (event_id, at, http_status, outcome, took_ms)
			values ($1, coalesce($2::timestamptz, clock_timestamp()), $3, $4, $5)`, event, orNow(t.At), t.HTTPStatus, t.Outcome, t.Took)
		return err
	})
}

// ReopenEvent makes an event that is through Pending again, to be sent once
// more.
func (s *Store) ReopenEvent(ctx context.Context, event string) error {
	_, err := s.db.ExecContext(ctx, `update satchel.events set status = $2 where id = $1 and status in ($3, $4)`,
		event, schema.EventPending, schema.EventGivenUp, schema.EventDelivered)
	return sqlstate.Wrap("reopen event", err)
}

// GiveUpEvent moves a pending event to GivenUp. Any other stays as it is.
func (s *Store) GiveUpEvent(ctx context.Context, event string) error {
	_, err := s.db.ExecContext(ctx, `update satchel.events set status = $3 where id = $1 and status = $2`,
		event, schema.EventPending, schema.EventGivenUp)
	return sqlstate.Wrap("give up event", err)
}

// orNow is nil, for the database's clock, where t was left out.
func orNow(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func noEvent() error {
	return schema.Errorf(schema.NotFound, schema.CodeEventNotFound, "There is no such event.")
}
